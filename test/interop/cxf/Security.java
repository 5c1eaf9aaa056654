package surewire.cxf;

import com.google.gson.JsonObject;
import jakarta.xml.soap.SOAPException;
import jakarta.xml.soap.SOAPMessage;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.CallbackHandler;
import org.apache.cxf.Bus;
import org.apache.cxf.binding.soap.SoapMessage;
import org.apache.cxf.configuration.jsse.TLSClientParameters;
import org.apache.cxf.configuration.jsse.TLSServerParameters;
import org.apache.cxf.interceptor.InterceptorProvider;
import org.apache.cxf.transport.http_jetty.JettyHTTPServerEngineFactory;
import org.apache.cxf.ws.policy.WSPolicyFeature;
import org.apache.cxf.ws.security.wss4j.WSS4JInInterceptor;
import org.apache.cxf.ws.security.wss4j.WSS4JOutInterceptor;
import org.apache.wss4j.common.ConfigurationConstants;
import org.apache.wss4j.common.crypto.Crypto;
import org.apache.wss4j.common.crypto.Merlin;
import org.apache.wss4j.common.ext.WSPasswordCallback;
import org.apache.wss4j.common.ext.WSSecurityException;
import org.apache.wss4j.dom.WSConstants;
import org.apache.wss4j.dom.engine.WSSecurityEngineResult;
import org.w3c.dom.Node;
import surewire.peer.Stores;

/**
 * How messages are protected: {"mode":"none"|"username"|"sign"|"sign-encrypt"|"conversation"|
 * "user-conversation", or one of Issued, and the keys of Stores.
 */
final class Security {
    private static final List<String> SIGNED_WHERE_PRESENT = List.of(
        "http://www.w3.org/2005/08/addressing",
        "http://schemas.xmlsoap.org/ws/2004/08/addressing");
    private static final List<String> ADDRESSING =
        List.of("To", "From", "ReplyTo", "FaultTo", "Action", "MessageID", "RelatesTo");
    private static final List<String> RELIABLE_NAMESPACES = List.of(
        "http://schemas.xmlsoap.org/ws/2005/02/rm",
        "http://docs.oasis-open.org/ws-rx/wsrm/200702");
    private static final List<String> RELIABLE = List.of("Sequence", "SequenceAcknowledgement", "AckRequested");

    private final String mode;
    private final JsonObject asked;
    private final String soap;

    private Security(String mode, JsonObject asked, String soap) {
        this.mode = mode;
        this.asked = asked;
        this.soap = soap;
    }

    static Security of(JsonObject asked) {
        boolean first = asked.get("soap").getAsString().equals("1.1");
        JsonObject security = asked.has("security") ? asked.getAsJsonObject("security") : new JsonObject();
        return new Security(
            security.has("mode") ? security.get("mode").getAsString() : "none",
            security,
            first ? "http://schemas.xmlsoap.org/soap/envelope/" : "http://www.w3.org/2003/05/soap-envelope");
    }

    boolean secure() {
        return asked.has("tls");
    }

    /** Whether policies say what is done, and not interceptors. */
    boolean hasPolicy() {
        return mode.equals("conversation") || mode.equals("user-conversation") || Issued.is(mode);
    }

    WSPolicyFeature policy() throws Exception {
        return Conversation.feature(mode);
    }

    /** What a policy needs to be met. */
    Map<String, Object> keys(Bus bus, boolean server) throws Exception {
        return Issued.is(mode)
            ? Issued.keys(bus, asked, crypto(), Security::password, server)
            : Conversation.keys(crypto(), Security::password, server);
    }

    /** Interceptors of one end. */
    void addTo(InterceptorProvider end, boolean server) throws GeneralSecurityException {
        if (mode.equals("none")) {
            return;
        }
        boolean username = mode.equals("username");
        String actions = switch (mode) {
            case "username" -> "Timestamp";
            case "sign" -> "Timestamp Signature";
            case "sign-encrypt" -> "Timestamp Signature Encryption";
            default -> throw new IllegalArgumentException("There is no mode " + mode + ".");
        };
        Map<String, Object> out = new HashMap<>();
        Map<String, Object> in = new HashMap<>();
        out.put(ConfigurationConstants.ACTION, username && !server ? "Timestamp UsernameToken" : actions);
        in.put(ConfigurationConstants.ACTION, username && server ? "Timestamp UsernameToken" : actions);
        CallbackHandler passwords = Security::password;
        out.put(ConfigurationConstants.PW_CALLBACK_REF, passwords);
        in.put(ConfigurationConstants.PW_CALLBACK_REF, passwords);
        if (username) {
            out.put(ConfigurationConstants.USER, "alice");
            out.put(ConfigurationConstants.PASSWORD_TYPE, WSConstants.PW_TEXT);
        } else {
            Crypto crypto = crypto();
            out.put(ConfigurationConstants.SIG_PROP_REF_ID, "crypto");
            out.put(ConfigurationConstants.ENC_PROP_REF_ID, "crypto");
            out.put("crypto", crypto);
            in.put(ConfigurationConstants.SIG_VER_PROP_REF_ID, "crypto");
            in.put(ConfigurationConstants.DEC_PROP_REF_ID, "crypto");
            in.put("crypto", crypto);
            out.put(ConfigurationConstants.USER, "own");
            out.put(ConfigurationConstants.SIGNATURE_USER, "own");
            out.put(ConfigurationConstants.SIG_KEY_ID, "DirectReference");
            out.put(ConfigurationConstants.SIG_ALGO, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256");
            out.put(ConfigurationConstants.SIG_DIGEST_ALGO, "http://www.w3.org/2001/04/xmlenc#sha256");
            out.put(ConfigurationConstants.SIGNATURE_PARTS,
                part(soap, "Body") + part(WSConstants.WSU_NS, "Timestamp"));
            StringBuilder optional = new StringBuilder();
            SIGNED_WHERE_PRESENT.forEach(ns -> ADDRESSING.forEach(name -> optional.append(part(ns, name))));
            RELIABLE_NAMESPACES.forEach(ns -> RELIABLE.forEach(name -> optional.append(part(ns, name))));
            out.put(ConfigurationConstants.OPTIONAL_SIGNATURE_PARTS, optional.toString());
            if (mode.equals("sign-encrypt")) {
                out.put(ConfigurationConstants.ENCRYPTION_USER, "peer");
                out.put(ConfigurationConstants.ENC_KEY_ID, "Thumbprint");
                out.put(ConfigurationConstants.ENC_SYM_ALGO, "http://www.w3.org/2009/xmlenc11#aes256-gcm");
                out.put(ConfigurationConstants.ENC_KEY_TRANSPORT, WSConstants.KEYTRANSPORT_RSAOAEP_XENC11);
                out.put(ConfigurationConstants.ENC_DIGEST_ALGO, "http://www.w3.org/2001/04/xmlenc#sha256");
                out.put(ConfigurationConstants.ENC_MGF_ALGO, "http://www.w3.org/2009/xmlenc11#mgf1sha256");
                out.put(ConfigurationConstants.ENCRYPTION_PARTS, "{Content}{" + soap + "}Body;");
            }
        }
        end.getOutInterceptors().add(new WSS4JOutInterceptor(out));
        end.getOutFaultInterceptors().add(new WSS4JOutInterceptor(out));
        end.getInInterceptors().add(new Incoming(in));
        end.getInFaultInterceptors().add(new Incoming(in));
    }

    /** TLS of a server on a port. */
    void listen(Bus bus, int port) throws Exception {
        TLSServerParameters parameters = new TLSServerParameters();
        parameters.setKeyManagers(Stores.shown(asked));
        JettyHTTPServerEngineFactory factory = bus.getExtension(JettyHTTPServerEngineFactory.class);
        factory.setTLSServerParametersForPort(port, parameters);
    }

    TLSClientParameters trusting() throws Exception {
        TLSClientParameters parameters = new TLSClientParameters();
        parameters.setTrustManagers(Stores.believed(asked));
        return parameters;
    }

    private Crypto crypto() throws GeneralSecurityException {
        try {
            KeyStore store = Stores.messages(asked);
            Merlin merlin = new Merlin();
            merlin.setKeyStore(store);
            merlin.setTrustStore(store);
            return merlin;
        } catch (java.io.IOException thrown) {
            throw new GeneralSecurityException(thrown);
        }
    }

    private static String part(String namespace, String name) {
        return "{Element}{" + namespace + "}" + name + ";";
    }

    private static void password(Callback[] callbacks) {
        for (Callback callback : callbacks) {
            WSPasswordCallback asked = (WSPasswordCallback) callback;
            asked.setPassword("alice".equals(asked.getIdentifier()) ? "secret" : Stores.PASSWORD);
        }
    }

    /** Asks no encryption of what has nothing to hide: an empty Body, as acknowledgements have, and WS-ReliableMessaging itself. */
    @SuppressWarnings("serial")
    private static final class Incoming extends WSS4JInInterceptor {
        Incoming(Map<String, Object> properties) {
            super(properties);
        }

        @Override
        protected void checkActions(
            SoapMessage message,
            List<WSSecurityEngineResult> results,
            List<Integer> actions) throws WSSecurityException {
            List<Integer> wanted = new ArrayList<>(actions);
            if (hidesNothing(message.getContent(SOAPMessage.class))) {
                wanted.remove(Integer.valueOf(WSConstants.ENCR));
            }
            super.checkActions(message, results, wanted);
        }

        private static boolean hidesNothing(SOAPMessage message) {
            try {
                Node content = message == null ? null : message.getSOAPBody().getFirstChild();
                return message != null && (content == null || RELIABLE_NAMESPACES.contains(content.getNamespaceURI()));
            } catch (SOAPException thrown) {
                return false;
            }
        }
    }
}
