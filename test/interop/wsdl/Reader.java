package surewire.wsdl;

import jakarta.xml.ws.BindingProvider;
import jakarta.xml.ws.Dispatch;
import jakarta.xml.ws.Service;
import java.io.ByteArrayInputStream;
import java.io.Closeable;
import java.io.OutputStream;
import java.io.StringReader;
import java.io.StringWriter;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Map;
import javax.xml.namespace.QName;
import javax.xml.transform.Source;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.stream.StreamResult;
import javax.xml.transform.stream.StreamSource;

/**
 * A client of any JAX-WS stack that is on the class path, told nothing but where the WSDL is: protocols and security are what its
 * policies say. Arguments: authority (PEM), WSDL, service, port, user, password, payload; prints the payload of the reply.
 */
public final class Reader {
    private static final String NAMESPACE = "urn:example:orders";
    private static final String PASSWORD = "changeit";

    private Reader() {
    }

    public static void main(String[] arguments) throws Exception {
        trust(Path.of(arguments[0]));
        Service service = Service.create(new URL(arguments[1]), new QName(NAMESPACE, arguments[2]));
        Dispatch<Source> port = service.createDispatch(new QName(NAMESPACE, arguments[3]), Source.class, Service.Mode.PAYLOAD);
        Map<String, Object> context = port.getRequestContext();
        context.put(BindingProvider.SOAPACTION_USE_PROPERTY, true);
        context.put(BindingProvider.SOAPACTION_URI_PROPERTY, "urn:example:orders/Orders/Place");
        if (!arguments[4].isEmpty()) {
            // Metro reads the first two, CXF the others; CXF would send the first two in HTTP as well.
            boolean isMetro = port.getClass().getName().startsWith("com.sun.");
            context.put(isMetro ? BindingProvider.USERNAME_PROPERTY : "security.username", arguments[4]);
            context.put(isMetro ? BindingProvider.PASSWORD_PROPERTY : "security.password", arguments[5]);
        }
        Source reply = port.invoke(new StreamSource(new StringReader(arguments[6])));
        StringWriter text = new StringWriter();
        TransformerFactory.newInstance().newTransformer().transform(reply, new StreamResult(text));
        System.out.println("reply " + text);
        if (port instanceof Closeable session) {
            session.close();
        }
        System.exit(0);
    }

    private static void trust(Path authority) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        String pem = Files.readString(authority, StandardCharsets.UTF_8);
        store.setCertificateEntry("authority", CertificateFactory.getInstance("X.509")
            .generateCertificate(new ByteArrayInputStream(pem.getBytes(StandardCharsets.UTF_8))));
        // The one way that every stack knows.
        Path file = Files.createTempFile("authority", ".p12");
        file.toFile().deleteOnExit();
        try (OutputStream out = Files.newOutputStream(file)) {
            store.store(out, PASSWORD.toCharArray());
        }
        System.setProperty("javax.net.ssl.trustStore", file.toString());
        System.setProperty("javax.net.ssl.trustStorePassword", PASSWORD);
    }
}
