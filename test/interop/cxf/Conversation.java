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
    private static final String POLICY = "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702";

    private Conversation() {
    }

    /** @param byUser whether a user name over HTTPS asks for the context, which then endorses the Timestamp and nothing else */
    static WSPolicyFeature policy(boolean byUser) throws Exception {
        DocumentBuilderFactory factory = DocumentBuilderFactory.newInstance();
        factory.setNamespaceAware(true);
        byte[] octets = (byUser ? overTransport() : text()).getBytes(StandardCharsets.UTF_8);
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
        return """
            <wsp:Policy xmlns:wsp="http://www.w3.org/ns/ws-policy" xmlns:sp="%1$s"
                xmlns:wsam="http://www.w3.org/2007/05/addressing/metadata">
              <wsam:Addressing><wsp:Policy/></wsam:Addressing>
              <sp:SymmetricBinding><wsp:Policy>
                <sp:ProtectionToken><wsp:Policy>
                  <sp:SecureConversationToken sp:IncludeToken="%1$s/IncludeToken/AlwaysToRecipient"><wsp:Policy>
                    <sp:RequireDerivedKeys/>
                    <sp:BootstrapPolicy><wsp:Policy>%2$s%3$s</wsp:Policy></sp:BootstrapPolicy>
                  </wsp:Policy></sp:SecureConversationToken>
                </wsp:Policy></sp:ProtectionToken>
                %4$s
              </wsp:Policy></sp:SymmetricBinding>
              <sp:Wss11><wsp:Policy/></sp:Wss11>
              <sp:Trust13><wsp:Policy><sp:MustSupportIssuedTokens/><sp:RequireClientEntropy/><sp:RequireServerEntropy/>
              </wsp:Policy></sp:Trust13>
              %3$s
            </wsp:Policy>
            """.formatted(POLICY, certificates(), parts(), suite());
    }

    private static String overTransport() {
        String transport = """
            <sp:TransportBinding><wsp:Policy>
              <sp:TransportToken><wsp:Policy><sp:HttpsToken><wsp:Policy/></sp:HttpsToken></wsp:Policy></sp:TransportToken>
              <sp:AlgorithmSuite><wsp:Policy><sp:Basic256Sha256/></wsp:Policy></sp:AlgorithmSuite>
              <sp:Layout><wsp:Policy><sp:Lax/></wsp:Policy></sp:Layout><sp:IncludeTimestamp/>
            </wsp:Policy></sp:TransportBinding>
            """;
        return """
            <wsp:Policy xmlns:wsp="http://www.w3.org/ns/ws-policy" xmlns:sp="%1$s"
                xmlns:wsam="http://www.w3.org/2007/05/addressing/metadata">
              <wsam:Addressing><wsp:Policy/></wsam:Addressing>
              %2$s
              <sp:EndorsingSupportingTokens><wsp:Policy>
                <sp:SecureConversationToken sp:IncludeToken="%1$s/IncludeToken/AlwaysToRecipient"><wsp:Policy>
                  <sp:BootstrapPolicy><wsp:Policy>%2$s
                    <sp:SignedSupportingTokens><wsp:Policy>
                      <sp:UsernameToken sp:IncludeToken="%1$s/IncludeToken/AlwaysToRecipient"><wsp:Policy>
                        <sp:WssUsernameToken10/></wsp:Policy></sp:UsernameToken>
                    </wsp:Policy></sp:SignedSupportingTokens>
                  </wsp:Policy></sp:BootstrapPolicy>
                </wsp:Policy></sp:SecureConversationToken>
              </wsp:Policy></sp:EndorsingSupportingTokens>
              <sp:Wss11><wsp:Policy/></sp:Wss11>
              <sp:Trust13><wsp:Policy><sp:MustSupportIssuedTokens/><sp:RequireClientEntropy/><sp:RequireServerEntropy/>
              </wsp:Policy></sp:Trust13>
            </wsp:Policy>
            """.formatted(POLICY, transport);
    }

    private static String certificates() {
        String token = "<sp:X509Token sp:IncludeToken=\"" + POLICY + "/IncludeToken/%s\"><wsp:Policy>"
            + "<sp:WssX509V3Token10/></wsp:Policy></sp:X509Token>";
        return """
            <sp:AsymmetricBinding><wsp:Policy>
              <sp:InitiatorToken><wsp:Policy>%s</wsp:Policy></sp:InitiatorToken>
              <sp:RecipientToken><wsp:Policy>%s</wsp:Policy></sp:RecipientToken>
              %s
            </wsp:Policy></sp:AsymmetricBinding>
            <sp:Wss10><wsp:Policy><sp:MustSupportRefKeyIdentifier/></wsp:Policy></sp:Wss10>
            """.formatted(token.formatted("AlwaysToRecipient"), token.formatted("AlwaysToInitiator"), suite());
    }

    private static String suite() {
        return "<sp:AlgorithmSuite><wsp:Policy><sp:Basic256Sha256/></wsp:Policy></sp:AlgorithmSuite>"
            + "<sp:Layout><wsp:Policy><sp:Lax/></wsp:Policy></sp:Layout><sp:IncludeTimestamp/>"
            + "<sp:OnlySignEntireHeadersAndBody/>";
    }

    private static String parts() {
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
