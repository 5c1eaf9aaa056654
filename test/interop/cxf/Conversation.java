package surewire.cxf;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.security.auth.callback.CallbackHandler;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.cxf.rt.security.SecurityConstants;
import org.apache.cxf.ws.policy.WSPolicyFeature;
import org.apache.wss4j.common.crypto.Crypto;
import org.w3c.dom.Element;

/**
 * WS-SecureConversation 1.3 as WS-SecurityPolicy 1.2 says it: what mutual certificates bootstrap, and keys derived of it that
 * sign and encrypt. CXF has no interceptors for it that could be told one by one.
 */
final class Conversation {
    static final String POLICY = "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702";

    private Conversation() {
    }

    static WSPolicyFeature feature(String mode) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        String text = Issued.is(mode) ? Issued.policy(mode) : mode.equals("conversation") ? text() : around(endorsed(user()));
        byte[] octets = text.getBytes(StandardCharsets.UTF_8);
        Element policy = factory.newDocumentBuilder().parse(new ByteArrayInputStream(octets)).getDocumentElement();
        WSPolicyFeature feature = new WSPolicyFeature();
        feature.setPolicyElements(List.of(policy));
        return feature;
    }

    /** Keys of the bootstrap; whoever answers encrypts for whoever asked. */
    static Map<String, Object> keys(Crypto crypto, CallbackHandler passwords, boolean server) {
        Map<String, Object> keys = new HashMap<>();
        keys.put(SecurityConstants.SIGNATURE_CRYPTO + ".sct", crypto);
        keys.put(SecurityConstants.ENCRYPT_CRYPTO + ".sct", crypto);
        keys.put(SecurityConstants.SIGNATURE_USERNAME + ".sct", "own");
        keys.put(SecurityConstants.ENCRYPT_USERNAME + ".sct", server ? "useReqSigCert" : "peer");
        keys.put(SecurityConstants.USERNAME + ".sct", "alice");
        keys.put(SecurityConstants.CALLBACK_HANDLER + ".sct", passwords);
        keys.put(SecurityConstants.CALLBACK_HANDLER, passwords);
        return keys;
    }

    private static String text() {
        return around(symmetric("""
            <sp:SecureConversationToken sp:IncludeToken="%s/IncludeToken/AlwaysToRecipient"><wsp:Policy>
              <sp:RequireDerivedKeys/>
              <sp:BootstrapPolicy><wsp:Policy>%s%s</wsp:Policy></sp:BootstrapPolicy>
            </wsp:Policy></sp:SecureConversationToken>
            """.formatted(POLICY, certificates(), parts())) + parts());
    }

    /** A policy of these assertions. */
    static String around(String assertions) {
        return """
            <wsp:Policy xmlns:wsp="http://www.w3.org/ns/ws-policy" xmlns:sp="%s"
                xmlns:wsam="http://www.w3.org/2007/05/addressing/metadata">
              <wsam:Addressing><wsp:Policy/></wsam:Addressing>
              %s
              <sp:Wss11><wsp:Policy/></sp:Wss11>
              <sp:Trust13><wsp:Policy><sp:MustSupportIssuedTokens/><sp:RequireClientEntropy/><sp:RequireServerEntropy/>
              </wsp:Policy></sp:Trust13>
            </wsp:Policy>
            """.formatted(POLICY, assertions);
    }

    private static String symmetric(String token) {
        return "<sp:SymmetricBinding><wsp:Policy><sp:ProtectionToken><wsp:Policy>" + token
            + "</wsp:Policy></sp:ProtectionToken>" + suite() + "</wsp:Policy></sp:SymmetricBinding>";
    }

    /** A secret under the certificate of the service. */
    static String secret() {
        return symmetric(x509("Never"));
    }

    static String transport() {
        return """
            <sp:TransportBinding><wsp:Policy>
              <sp:TransportToken><wsp:Policy><sp:HttpsToken><wsp:Policy/></sp:HttpsToken></wsp:Policy></sp:TransportToken>
              <sp:AlgorithmSuite><wsp:Policy><sp:Basic256Sha256/></wsp:Policy></sp:AlgorithmSuite>
              <sp:Layout><wsp:Policy><sp:Lax/></wsp:Policy></sp:Layout><sp:IncludeTimestamp/>
            </wsp:Policy></sp:TransportBinding>
            """;
    }

    /** A context that endorses the Timestamp and nothing else, asked for over HTTPS with these supporting tokens. */
    static String endorsed(String supporting) {
        return """
            %1$s
            <sp:EndorsingSupportingTokens><wsp:Policy>
              <sp:SecureConversationToken sp:IncludeToken="%2$s/IncludeToken/AlwaysToRecipient"><wsp:Policy>
                <sp:BootstrapPolicy><wsp:Policy>%1$s%3$s</wsp:Policy></sp:BootstrapPolicy>
              </wsp:Policy></sp:SecureConversationToken>
            </wsp:Policy></sp:EndorsingSupportingTokens>
            """.formatted(transport(), POLICY, supporting);
    }

    private static String user() {
        return """
            <sp:SignedSupportingTokens><wsp:Policy>
              <sp:UsernameToken sp:IncludeToken="%s/IncludeToken/AlwaysToRecipient"><wsp:Policy>
                <sp:WssUsernameToken10/></wsp:Policy></sp:UsernameToken>
            </wsp:Policy></sp:SignedSupportingTokens>
            """.formatted(POLICY);
    }

    private static String x509(String included) {
        return "<sp:X509Token sp:IncludeToken=\"" + POLICY + "/IncludeToken/" + included
            + "\"><wsp:Policy><sp:WssX509V3Token10/></wsp:Policy></sp:X509Token>";
    }

    private static String certificates() {
        return """
            <sp:AsymmetricBinding><wsp:Policy>
              <sp:InitiatorToken><wsp:Policy>%s</wsp:Policy></sp:InitiatorToken>
              <sp:RecipientToken><wsp:Policy>%s</wsp:Policy></sp:RecipientToken>
              %s
            </wsp:Policy></sp:AsymmetricBinding>
            <sp:Wss10><wsp:Policy><sp:MustSupportRefKeyIdentifier/></wsp:Policy></sp:Wss10>
            """.formatted(x509("AlwaysToRecipient"), x509("AlwaysToInitiator"), suite());
    }

    private static String suite() {
        return "<sp:AlgorithmSuite><wsp:Policy><sp:Basic256Sha256/></wsp:Policy></sp:AlgorithmSuite>"
            + "<sp:Layout><wsp:Policy><sp:Lax/></wsp:Policy></sp:Layout><sp:IncludeTimestamp/>"
            + "<sp:OnlySignEntireHeadersAndBody/>";
    }

    static String parts() {
        return """
            <sp:SignedParts><sp:Body/>
              <sp:Header Namespace="http://www.w3.org/2005/08/addressing"/>
              <sp:Header Namespace="http://schemas.xmlsoap.org/ws/2005/02/rm"/>
              <sp:Header Namespace="http://docs.oasis-open.org/ws-rx/wsrm/200702"/>
            </sp:SignedParts>
            <sp:EncryptedParts><sp:Body/></sp:EncryptedParts>
            """;
    }
}
