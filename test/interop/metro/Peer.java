package surewire.metro;

import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import com.sun.xml.ws.api.BindingID;
import jakarta.xml.ws.BindingProvider;
import jakarta.xml.ws.Endpoint;
import jakarta.xml.ws.Service;
import java.io.Closeable;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.HttpsURLConnection;
import javax.net.ssl.SSLContext;
import javax.xml.namespace.QName;
import javax.xml.transform.stream.StreamSource;
import surewire.peer.Calls;
import surewire.peer.Implementation;
import surewire.peer.Interop;
import surewire.peer.Stack;
import surewire.peer.Stores;

/** Eclipse Metro (JAX-WS RI with WSIT), configured through a WSDL with policies. */
public final class Peer extends Stack {
    public static void main(String[] arguments) throws Exception {
        new Peer().run(com.sun.xml.ws.util.RuntimeVersion.VERSION.toString());
    }

    @Override
    protected Served serve(long id, JsonObject asked) throws Exception {
        Protection protection = Protection.of(asked, true);
        HttpServer server = listening(protection);
        ExecutorService work = Executors.newCachedThreadPool();
        server.setExecutor(work);
        int port = server.getAddress().getPort();
        String address = (protection.secure() ? "https" : "http") + "://127.0.0.1:" + port + "/interop";
        Path wsdl = Description.write(asked, address, true);
        Endpoint endpoint = Endpoint.create(bindingOf(asked), new Implementation(id));
        StreamSource metadata = new StreamSource(wsdl.toUri().toString());
        endpoint.setMetadata(List.of(metadata));
        endpoint.setProperties(Map.of(
            Endpoint.WSDL_SERVICE, new QName(Interop.NAMESPACE, "interopService"),
            Endpoint.WSDL_PORT, new QName(Interop.NAMESPACE, "interopPort")));
        endpoint.publish(server.createContext("/interop"));
        server.start();
        return new Served(port, () -> {
            endpoint.stop();
            server.stop(0);
            work.shutdownNow();
        });
    }

    @Override
    protected boolean call(long id, JsonObject asked) throws Exception {
        String url = asked.get("url").getAsString();
        Path wsdl = Description.write(asked, url, false);
        Service service = Service.create(wsdl.toUri().toURL(), new QName(Interop.NAMESPACE, "interopService"));
        Protection protection = Protection.of(asked, false);
        if (protection.secure() || Issued.is(protection.security())) {
            SSLContext tls = SSLContext.getInstance("TLS");
            tls.init(null, Stores.believed(protection.trusting()), null);
            // Not in the request context: messages of WS-ReliableMessaging do not look there.
            HttpsURLConnection.setDefaultSSLSocketFactory(tls.getSocketFactory());
        }
        QName port = new QName(Interop.NAMESPACE, "interopPort");
        Interop proxy = Issued.is(protection.security())
            ? service.getPort(port, Interop.class, Issued.asking(protection.security()))
            : service.getPort(port, Interop.class);
        Map<String, Object> context = ((BindingProvider) proxy).getRequestContext();
        context.put(BindingProvider.ENDPOINT_ADDRESS_PROPERTY, url);
        context.put("com.sun.xml.ws.request.timeout", 10_000);
        context.put("com.sun.xml.ws.connect.timeout", 5_000);
        // Closing waits for what is under way, then ends the sequences.
        Closeable closing = (Closeable) proxy;
        if (asked.get("inFlight").getAsBoolean()) {
            Calls.makeAndClose(id, asked, proxy, () -> {
                closing.close();
                return null;
            });
        } else {
            Calls.make(id, asked, proxy);
            closing.close();
        }
        return true;
    }

    private static HttpServer listening(Protection protection) throws Exception {
        InetSocketAddress at = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
        if (!protection.secure()) {
            return HttpServer.create(at, 0);
        }
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(Stores.shown(protection.security()), null, null);
        HttpsServer server = HttpsServer.create(at, 0);
        server.setHttpsConfigurator(new HttpsConfigurator(tls));
        return server;
    }

    private static String bindingOf(JsonObject asked) {
        return asked.get("soap").getAsString().equals("1.2") ? BindingID.SOAP12_HTTP.toString() : BindingID.SOAP11_HTTP.toString();
    }
}
