package surewire.metro;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.sun.net.httpserver.HttpServer;
import com.sun.xml.ws.api.BindingID;
import jakarta.jws.WebService;
import jakarta.xml.ws.BindingProvider;
import jakarta.xml.ws.Endpoint;
import jakarta.xml.ws.Service;
import java.io.BufferedReader;
import java.io.Closeable;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.xml.namespace.QName;
import javax.xml.transform.stream.StreamSource;

/**
 * Eclipse Metro (JAX-WS RI with WSIT) as either end of a reliable session: one process for the whole suite, asked on standard
 * input and answering on standard output, a JSON object a line, in the words of the CXF peer beside it.
 */
public final class Peer {
    private static final PrintStream OUT = System.out;
    private static final Gson GSON = new Gson();
    private static final Map<Long, Runnable> RUNNING = new ConcurrentHashMap<>();

    private Peer() {
    }

    public static void main(String[] arguments) throws Exception {
        // What Metro wants to say goes to the other output: standard output is ours.
        System.setOut(System.err);
        ExecutorService work = Executors.newCachedThreadPool();
        tell("ready", 0, "release", com.sun.xml.ws.util.RuntimeVersion.VERSION.toString());
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonObject asked = GSON.fromJson(line, JsonObject.class);
            work.execute(() -> run(asked));
        }
        System.exit(0);
    }

    private static void run(JsonObject asked) {
        long id = asked.get("id").getAsLong();
        try {
            switch (asked.get("do").getAsString()) {
                case "serve" -> serve(id, asked);
                case "call" -> call(id, asked);
                case "stop" -> {
                    Runnable stop = RUNNING.remove(id);
                    if (stop != null) {
                        stop.run();
                    }
                    tell("stopped", id);
                }
                default -> throw new IllegalArgumentException("I can serve, call and stop.");
            }
        } catch (Exception | Error thrown) {
            thrown.printStackTrace(System.err);
            tell("failed", id, "why", String.valueOf(thrown));
        }
    }

    private static void serve(long id, JsonObject asked) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        ExecutorService work = Executors.newCachedThreadPool();
        server.setExecutor(work);
        int port = server.getAddress().getPort();
        String address = "http://127.0.0.1:" + port + "/interop";
        Path wsdl = Description.write(asked, address);
        Endpoint endpoint = Endpoint.create(bindingOf(asked), new Implementation(id));
        StreamSource metadata = new StreamSource(wsdl.toUri().toString());
        endpoint.setMetadata(List.of(metadata));
        endpoint.setProperties(Map.of(
            Endpoint.WSDL_SERVICE, new QName(Interop.NAMESPACE, "interopService"),
            Endpoint.WSDL_PORT, new QName(Interop.NAMESPACE, "interopPort")));
        endpoint.publish(server.createContext("/interop"));
        server.start();
        RUNNING.put(id, () -> {
            endpoint.stop();
            server.stop(0);
            work.shutdownNow();
        });
        tell("listening", id, "port", port);
    }

    private static void call(long id, JsonObject asked) throws Exception {
        String url = asked.get("url").getAsString();
        Path wsdl = Description.write(asked, url);
        Service service = Service.create(wsdl.toUri().toURL(), new QName(Interop.NAMESPACE, "interopService"));
        Interop proxy = service.getPort(new QName(Interop.NAMESPACE, "interopPort"), Interop.class);
        Map<String, Object> context = ((BindingProvider) proxy).getRequestContext();
        context.put(BindingProvider.ENDPOINT_ADDRESS_PROPERTY, url);
        context.put("com.sun.xml.ws.request.timeout", 10_000);
        context.put("com.sun.xml.ws.connect.timeout", 5_000);
        int messages = asked.get("messages").getAsInt();
        boolean echo = asked.get("operation").getAsString().equals("echo");
        for (int number = 1; number <= messages; number++) {
            StringBuilder made = new StringBuilder("message " + number + " ");
            while (made.length() < asked.get("size").getAsInt()) {
                made.append('x');
            }
            String text = made.toString();
            if (!echo) {
                proxy.tell(text);
            } else if (!text.equals(proxy.echo(text))) {
                throw new IllegalStateException("The answer to message " + number + " is another text.");
            }
            executed("sent", id, "echo", number, text);
        }
        // Closing waits for what is under way, then ends the sequences.
        ((Closeable) proxy).close();
        tell("done", id, "settled", true);
    }

    private static String bindingOf(JsonObject asked) {
        return asked.get("soap").getAsString().equals("1.2") ? BindingID.SOAP12_HTTP.toString() : BindingID.SOAP11_HTTP.toString();
    }

    static synchronized void tell(String event, long id, Object... members) {
        JsonObject said = new JsonObject();
        said.addProperty("event", event);
        said.addProperty("id", id);
        for (int at = 0; at < members.length; at += 2) {
            said.add(String.valueOf(members[at]), GSON.toJsonTree(members[at + 1]));
        }
        OUT.println(said);
        OUT.flush();
    }

    /** Number, length and digest (FNV-1a, 32 bits) of a text. */
    static void executed(String event, long id, String operation, int number, String text) {
        byte[] octets = text.getBytes(StandardCharsets.UTF_8);
        int hash = 0x811c9dc5;
        for (byte octet : octets) {
            hash = (hash ^ (octet & 0xff)) * 0x01000193;
        }
        tell(event, id, "operation", operation, "number", number, "length", octets.length,
            "digest", Integer.toUnsignedLong(hash));
    }

    /** Tells what it executes. */
    @WebService(
        endpointInterface = "surewire.metro.Interop",
        targetNamespace = Interop.NAMESPACE,
        serviceName = "interopService",
        portName = "interopPort")
    public static final class Implementation implements Interop {
        private final long id;
        private int count;

        Implementation(long id) {
            this.id = id;
        }

        @Override
        public String echo(String text) {
            if (text.equals("fault")) {
                throw new IllegalArgumentException("You asked for a fault");
            }
            note("echo", text);
            return text;
        }

        @Override
        public void tell(String text) {
            note("notify", text);
        }

        private synchronized void note(String operation, String text) {
            count++;
            executed("executed", id, operation, count, text);
        }
    }
}
