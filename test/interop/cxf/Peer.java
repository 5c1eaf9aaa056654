package surewire.cxf;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import jakarta.jws.WebService;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.apache.cxf.Bus;
import org.apache.cxf.BusFactory;
import org.apache.cxf.endpoint.Client;
import org.apache.cxf.endpoint.Server;
import org.apache.cxf.frontend.ClientProxy;
import org.apache.cxf.jaxws.JaxWsProxyFactoryBean;
import org.apache.cxf.jaxws.JaxWsServerFactoryBean;
import org.apache.cxf.transport.http.HTTPConduit;
import org.apache.cxf.ws.addressing.WSAddressingFeature;
import org.apache.cxf.ws.rm.RMManager;
import org.apache.cxf.ws.rm.feature.RMFeature;
import org.apache.cxf.ws.rm.manager.AckRequestModeType;
import org.apache.cxf.ws.rm.manager.DeliveryAssuranceType;
import org.apache.cxf.ws.rm.manager.DestinationPolicyType;
import org.apache.cxf.ws.rm.manager.RM10AddressingNamespaceType;
import org.apache.cxf.ws.rm.manager.SequenceTerminationPolicyType;
import org.apache.cxf.ws.rm.manager.SourcePolicyType;

/**
 * Apache CXF as either end of a reliable session: one process for the whole suite, asked on standard input and answering on
 * standard output, a JSON object a line. Each server and each client has a bus of its own, so that none sees another's sequences.
 *
 * <pre>
 * {"id":1,"do":"serve","rm":"1.1","soap":"1.2"}                     → {"event":"listening","id":1,"port":…}
 *                                                                   → {"event":"executed","id":1,"operation":"echo","number":…,…}
 * {"id":2,"do":"call","rm":…,"url":…,"operation":"echo","messages":10,"size":20} → {"event":"sent",…} … {"event":"done","id":2}
 * {"id":1,"do":"stop"}                                              → {"event":"stopped","id":1}
 * </pre>
 */
public final class Peer {
    private static final PrintStream OUT = System.out;
    private static final Gson GSON = new Gson();
    private static final Map<Long, Runnable> RUNNING = new ConcurrentHashMap<>();

    private Peer() {
    }

    public static void main(String[] arguments) throws Exception {
        // What CXF and Jetty want to say goes to the other output: standard output is ours.
        System.setOut(System.err);
        ExecutorService work = Executors.newCachedThreadPool();
        tell("ready", 0, "release", org.apache.cxf.version.Version.getCurrentVersion());
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

    /** One after the other: a port that was free is taken before the next one is looked for. */
    private static synchronized void serve(long id, JsonObject asked) throws Exception {
        Bus bus = BusFactory.newInstance().createBus();
        BusFactory.setThreadDefaultBus(bus);
        int port = freePort();
        JaxWsServerFactoryBean factory = new JaxWsServerFactoryBean();
        factory.setBus(bus);
        factory.setServiceClass(Interop.class);
        factory.setServiceBean(new Service(id));
        Security security = Security.of(asked);
        if (security.secure()) {
            security.listen(bus, port);
        }
        factory.setAddress((security.secure() ? "https" : "http") + "://127.0.0.1:" + port + "/interop");
        factory.setBindingId(bindingOf(asked));
        factory.getFeatures().add(new WSAddressingFeature());
        factory.getFeatures().add(reliable(asked));
        // On the bus, because messages of WS-RM itself have an endpoint of their own.
        security.addTo(bus, true);
        Server server = factory.create();
        tune(bus);
        RUNNING.put(id, () -> {
            server.destroy();
            bus.shutdown(true);
        });
        tell("listening", id, "port", port);
    }

    private static void call(long id, JsonObject asked) throws Exception {
        Bus bus = BusFactory.newInstance().createBus();
        BusFactory.setThreadDefaultBus(bus);
        JaxWsProxyFactoryBean factory = new JaxWsProxyFactoryBean();
        factory.setBus(bus);
        factory.setServiceClass(Interop.class);
        factory.setAddress(asked.get("url").getAsString());
        factory.setBindingId(bindingOf(asked));
        factory.getFeatures().add(new WSAddressingFeature());
        factory.getFeatures().add(reliable(asked));
        Security security = Security.of(asked);
        security.addTo(bus, false);
        Interop proxy = factory.create(Interop.class);
        tune(bus);
        Client client = ClientProxy.getClient(proxy);
        HTTPConduit conduit = (HTTPConduit) client.getConduit();
        if (security.secure()) {
            conduit.setTlsClientParameters(security.trusting());
        }
        conduit.getClient().setReceiveTimeout(10_000);
        conduit.getClient().setConnectionTimeout(5_000);
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
        // Everything that is under way arrives before the sequences are ended.
        RMManager manager = bus.getExtension(RMManager.class);
        for (int turn = 0; turn < 200 && !manager.getRetransmissionQueue().isEmpty(); turn++) {
            Thread.sleep(50);
        }
        boolean settled = manager.getRetransmissionQueue().isEmpty();
        client.destroy();
        bus.shutdown(true);
        tell("done", id, "settled", settled);
    }

    private static String bindingOf(JsonObject asked) {
        return asked.get("soap").getAsString().equals("1.2")
            ? "http://www.w3.org/2003/05/soap/bindings/HTTP/"
            : "http://schemas.xmlsoap.org/wsdl/soap/http";
    }

    private static RMFeature reliable(JsonObject asked) {
        RMFeature feature = new RMFeature();
        boolean first = asked.get("rm").getAsString().equals("1.0");
        feature.setRMNamespace(first
            ? "http://schemas.xmlsoap.org/ws/2005/02/rm"
            : "http://docs.oasis-open.org/ws-rx/wsrm/200702");
        boolean submission = asked.has("addressing") && asked.get("addressing").getAsString().equals("2004/08");
        RM10AddressingNamespaceType addressing = new RM10AddressingNamespaceType();
        addressing.setUri(submission
            ? "http://schemas.xmlsoap.org/ws/2004/08/addressing"
            : "http://www.w3.org/2005/08/addressing");
        feature.setRM10AddressingNamespace(addressing);
        DeliveryAssuranceType assurance = new DeliveryAssuranceType();
        assurance.setExactlyOnce(new DeliveryAssuranceType.ExactlyOnce());
        assurance.setInOrder(new DeliveryAssuranceType.InOrder());
        feature.setDeliveryAssurance(assurance);
        SourcePolicyType source = new SourcePolicyType();
        source.setIncludeOffer(true);
        source.setAckRequestMode(AckRequestModeType.ALWAYS);
        SequenceTerminationPolicyType end = new SequenceTerminationPolicyType();
        end.setTerminateOnShutdown(true);
        source.setSequenceTerminationPolicy(end);
        feature.setSourcePolicy(source);
        DestinationPolicyType destination = new DestinationPolicyType();
        destination.setAcceptOffers(true);
        feature.setDestinationPolicy(destination);
        return feature;
    }

    /** Losses are noticed soon enough for a test. */
    private static void tune(Bus bus) {
        RMManager manager = bus.getExtension(RMManager.class);
        manager.getConfiguration().setBaseRetransmissionInterval(500L);
        manager.getConfiguration().setExponentialBackoff(false);
    }

    private static int freePort() throws Exception {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
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
        endpointInterface = "surewire.cxf.Interop",
        targetNamespace = Interop.NAMESPACE,
        serviceName = "interopService",
        portName = "interopPort")
    public static final class Service implements Interop {
        private final long id;
        private int count;

        Service(long id) {
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
