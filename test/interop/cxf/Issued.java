package surewire.cxf;

import com.google.gson.JsonObject;
import java.util.HashMap;
import java.util.Map;
import javax.security.auth.callback.CallbackHandler;
import org.apache.cxf.Bus;
import org.apache.cxf.configuration.jsse.TLSClientParameters;
import org.apache.cxf.rt.security.SecurityConstants;
import org.apache.cxf.ws.addressing.WSAddressingFeature;
import org.apache.cxf.ws.security.trust.STSClient;
import org.apache.cxf.ws.security.wss4j.WSS4JInInterceptor;
import org.apache.cxf.ws.security.wss4j.WSS4JOutInterceptor;
import org.apache.wss4j.common.ConfigurationConstants;
import org.apache.wss4j.common.crypto.Crypto;
import org.apache.wss4j.dom.WSConstants;
import surewire.peer.Stores;

/**
 * Tokens that a security token service has issued, as policies say them: {"mode":"issued"|"issued-saml11"|"issued-bearer"|
 * "issued-conversation"|"issued-certificate"}; the client asks for them at {"issuer":{"url","audience","tls":{"anchor"}}} with a user name over HTTPS.
 */
final class Issued {
    private static final String TRUST = "http://docs.oasis-open.org/ws-sx/ws-trust/200512";
    private static final String PROFILE = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV";

    private Issued() {
    }

    static boolean is(String mode) {
        return mode.startsWith("issued");
    }

    static String policy(String mode) {
        String token = token(mode.equals("issued-saml11") ? "1.1" : "2.0", !mode.equals("issued-bearer"));
        String supporting = (mode.equals("issued-bearer")
            ? "<sp:SignedSupportingTokens><wsp:Policy>%s</wsp:Policy></sp:SignedSupportingTokens>"
            : "<sp:EndorsingSupportingTokens><wsp:Policy>%s</wsp:Policy></sp:EndorsingSupportingTokens>").formatted(token);
        return Conversation.around(switch (mode) {
            case "issued-conversation" -> Conversation.endorsed(supporting);
            case "issued-certificate" -> Conversation.secret() + supporting + Conversation.parts();
            default -> Conversation.transport() + supporting;
        });
    }

    private static String token(String version, boolean holder) {
        return """
            <sp:IssuedToken sp:IncludeToken="%s/IncludeToken/AlwaysToRecipient">
              <sp:RequestSecurityTokenTemplate xmlns:t="%s">
                <t:TokenType>%s%s</t:TokenType><t:KeyType>%s/%s</t:KeyType>%s
              </sp:RequestSecurityTokenTemplate>
              <wsp:Policy><sp:RequireInternalReference/></wsp:Policy>
            </sp:IssuedToken>
            """.formatted(Conversation.POLICY, TRUST, PROFILE, version, TRUST, holder ? "SymmetricKey" : "Bearer",
                holder ? "<t:KeySize>256</t:KeySize>" : "");
    }

    /** Whom a client asks for tokens, and whom a server believes. */
    static Map<String, Object> keys(Bus bus, JsonObject asked, Crypto crypto, CallbackHandler passwords, boolean server)
        throws Exception {
        JsonObject issuer = asked.getAsJsonObject("issuer");
        String audience = issuer.get("audience").getAsString();
        Map<String, Object> keys = new HashMap<>();
        for (String of : new String[] {"", ".sct"}) {
            keys.put(SecurityConstants.SIGNATURE_CRYPTO + of, crypto);
            keys.put(SecurityConstants.ENCRYPT_CRYPTO + of, crypto);
            keys.put(SecurityConstants.CALLBACK_HANDLER + of, passwords);
            keys.put(SecurityConstants.AUDIENCE_RESTRICTIONS + of, audience);
            keys.put(SecurityConstants.ENCRYPT_USERNAME + of, "peer");
            if (!server) {
                keys.put(SecurityConstants.STS_APPLIES_TO + of, audience);
                keys.put(SecurityConstants.STS_CLIENT + of, client(bus, issuer, passwords));
            }
        }
        if (!server && asked.get("mode").getAsString().equals("issued-conversation")) {
            // It asks for the context; what is without the suffix would do that.
            keys.remove(SecurityConstants.STS_CLIENT);
        }
        return keys;
    }

    private static STSClient client(Bus bus, JsonObject issuer, CallbackHandler passwords) throws Exception {
        STSClient client = new STSClient(bus);
        client.setLocation(issuer.get("url").getAsString());
        TLSClientParameters trusting = new TLSClientParameters();
        trusting.setTrustManagers(Stores.believed(issuer));
        client.setTlsClientParameters(trusting);
        client.setSoap12();
        client.setAddressingNamespace("http://www.w3.org/2005/08/addressing");
        client.setEnableAppliesTo(true);
        Map<String, Object> out = new HashMap<>();
        out.put(ConfigurationConstants.ACTION, "Timestamp UsernameToken");
        out.put(ConfigurationConstants.USER, "alice");
        out.put(ConfigurationConstants.PASSWORD_TYPE, WSConstants.PW_TEXT);
        out.put(ConfigurationConstants.PW_CALLBACK_REF, passwords);
        client.getOutInterceptors().add(new WSS4JOutInterceptor(out));
        Map<String, Object> in = new HashMap<>();
        in.put(ConfigurationConstants.ACTION, "Timestamp");
        client.getInInterceptors().add(new WSS4JInInterceptor(in));
        client.getInFaultInterceptors().add(new WSS4JInInterceptor(in));
        new WSAddressingFeature().initialize(client.getClient(), bus);
        return client;
    }
}
