package surewire.cxf;

import com.google.gson.JsonObject;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.cxf.Bus;
import org.apache.cxf.BusFactory;
import org.apache.cxf.configuration.jsse.TLSClientParameters;
import org.apache.cxf.endpoint.Client;
import org.apache.cxf.endpoint.Server;
import org.apache.cxf.frontend.ClientProxy;
import org.apache.cxf.jaxws.JaxWsProxyFactoryBean;
import org.apache.cxf.jaxws.JaxWsServerFactoryBean;
import org.apache.cxf.transport.http.HTTPConduit;
import org.apache.cxf.transport.http.HTTPConduitConfigurer;
import org.apache.cxf.ws.addressing.WSAddressingFeature;
import org.apache.cxf.ws.rm.RMManager;
import org.apache.cxf.ws.rm.feature.RMFeature;
import org.apache.cxf.ws.rm.manager.AckRequestModeType;
import org.apache.cxf.ws.rm.manager.DeliveryAssuranceType;
import org.apache.cxf.ws.rm.manager.DestinationPolicyType;
import org.apache.cxf.ws.rm.manager.RM10AddressingNamespaceType;
import org.apache.cxf.ws.rm.manager.SequenceTerminationPolicyType;
import org.apache.cxf.ws.rm.manager.SourcePolicyType;
import surewire.peer.Calls;
import surewire.peer.Implementation;
import surewire.peer.Interop;
import surewire.peer.Stack;

/** Apache CXF. Each server and each client has a bus of its own, so that none sees another's sequences. */
public final class Peer extends Stack {
    private static final Set<Integer> USED = ConcurrentHashMap.newKeySet();

    public static void main(String[] arguments) throws Exception {
        new Peer().run(org.apache.cxf.version.Version.getCurrentVersion());
    }

    @Override
    protected Served serve(long id, JsonObject asked) throws Exception {
        Bus bus = BusFactory.newInstance().createBus();
        BusFactory.setThreadDefaultBus(bus);
        int port = freePort();
        JaxWsServerFactoryBean factory = new JaxWsServerFactoryBean();
        factory.setBus(bus);
        factory.setServiceClass(Interop.class);
        factory.setServiceBean(new Implementation(id));
        Security security = Security.of(asked);
        if (security.secure()) {
            security.listen(bus, port);
        }
        factory.setAddress((security.secure() ? "https" : "http") + "://127.0.0.1:" + port + "/interop");
        factory.setBindingId(bindingOf(asked));
        factory.getFeatures().add(new WSAddressingFeature());
        factory.getFeatures().add(reliable(asked));
        if (security.hasPolicy()) {
            factory.getFeatures().add(security.policy());
            factory.setProperties(security.keys(bus, true));
        } else {
            // On the bus, because messages of WS-RM itself have an endpoint of their own.
            security.addTo(bus, true);
        }
        Server server = factory.create();
        tune(bus);
        return new Served(port, () -> {
            server.destroy();
            bus.shutdown(true);
        });
    }

    @Override
    protected boolean call(long id, JsonObject asked) throws Exception {
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
        if (security.secure()) {
            // On the bus, because requests for a security context have a conduit of their own.
            TLSClientParameters trusting = security.trusting();
            bus.setExtension((name, at, conduit) -> conduit.setTlsClientParameters(trusting), HTTPConduitConfigurer.class);
        }
        if (security.hasPolicy()) {
            factory.getFeatures().add(security.policy());
            factory.setProperties(security.keys(bus, false));
        } else {
            security.addTo(bus, false);
        }
        Interop proxy = factory.create(Interop.class);
        tune(bus);
        Client client = ClientProxy.getClient(proxy);
        HTTPConduit conduit = (HTTPConduit) client.getConduit();
        conduit.getClient().setReceiveTimeout(10_000);
        conduit.getClient().setConnectionTimeout(5_000);
        if (asked.get("decoupled").getAsBoolean()) {
            conduit.getClient().setDecoupledEndpoint("http://127.0.0.1:" + freePort() + "/answers");
        }
        if (asked.get("inFlight").getAsBoolean()) {
            Calls.makeAndClose(id, asked, proxy, () -> end(client, bus));
            return true;
        }
        Calls.make(id, asked, proxy);
        return end(client, bus);
    }

    /** Everything that is under way arrives before the sequences are ended; whether it did. */
    private static boolean end(Client client, Bus bus) throws InterruptedException {
        RMManager manager = bus.getExtension(RMManager.class);
        for (int turn = 0; turn < 200 && !manager.getRetransmissionQueue().isEmpty(); turn++) {
            Thread.sleep(50);
        }
        boolean settled = manager.getRetransmissionQueue().isEmpty();
        client.destroy();
        bus.shutdown(true);
        return settled;
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

    /** Losses are noticed soon enough for a test; sooner, and CXF mixes up answers that come twice on a busy machine. */
    private static void tune(Bus bus) {
        RMManager manager = bus.getExtension(RMManager.class);
        manager.getConfiguration().setBaseRetransmissionInterval(1000L);
        manager.getConfiguration().setExponentialBackoff(false);
    }

    /** Jetty's factory remembers for the whole process what a port was used for: each is used once. */
    private static int freePort() throws Exception {
        while (true) {
            try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
                if (USED.add(socket.getLocalPort())) {
                    return socket.getLocalPort();
                }
            }
        }
    }
}
