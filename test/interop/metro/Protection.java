package surewire.metro;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import surewire.peer.Stores;

/**
 * WS-SecurityPolicy 1.2 of a scenario, and where Metro finds its keys: {"mode":"none"|"username"|"sign"|"sign-encrypt"|"mutual"|
 * "conversation"|"user-conversation"} or one of Issued. Metro signs with SHA-1 whatever the suite, as WS-SecurityPolicy has it; its attribute `signatureAlgorithm` changes
 * that for messages of the application only, not for those of WS-ReliableMessaging.
 */
final class Protection {
    static final String POLICY = "http://docs.oasis-open.org/ws-sx/ws-securitypolicy/200702";
    static final String ALWAYS = POLICY + "/IncludeToken/AlwaysToRecipient";
    private static final String NEVER = POLICY + "/IncludeToken/Never";

    private final JsonObject security;
    private final String mode;
    private final boolean server;

    private Protection(JsonObject security, boolean server) {
        this.security = security;
        this.server = server;
        this.mode = security.has("mode") ? security.get("mode").getAsString() : "none";
    }

    static Protection of(JsonObject asked, boolean server) {
        return new Protection(asked.has("security") ? asked.getAsJsonObject("security") : new JsonObject(), server);
    }

    boolean secure() {
        return security.has("tls");
    }

    /** The member "tls" of this says what a client of HTTPS believes. */
    JsonObject trusting() {
        return secure() ? security : security.getAsJsonObject("issuer");
    }

    JsonObject security() {
        return security;
    }

    /** Assertions of the endpoint. */
    String binding() throws GeneralSecurityException, IOException {
        return switch (mode) {
            case "none" -> "";
            case "username" -> overTransport() + user() + users();
            case "sign", "sign-encrypt" -> asymmetric() + stores();
            case "mutual" -> symmetric(x509(NEVER, "<sp:RequireThumbprintReference/>"), true) + endorsed() + stores();
            case "conversation" -> symmetric(conversation(), false) + stores();
            case "user-conversation" -> overTransport() + endorsedByContext(user()) + users();
            case "issued", "issued-saml11", "issued-bearer" -> overTransport() + Issued.token(mode) + versions() + issuedStores();
            case "issued-conversation" -> overTransport() + endorsedByContext(Issued.token(mode)) + issuedStores();
            case "issued-certificate" ->
                symmetric(x509(NEVER, "<sp:RequireThumbprintReference/>"), false) + Issued.token(mode) + stores();
            default -> throw new IllegalArgumentException("There is no mode " + mode + ".");
        };
    }

    /** Assertions of each message. */
    String message() {
        boolean hop = mode.equals("none") || mode.startsWith("user")
            || mode.startsWith("issued") && !mode.equals("issued-certificate");
        return hop ? "" : parts(!mode.equals("sign"));
    }

    private static String parts(boolean encrypted) {
        String addressing = "<sp:Header Namespace=\"http://www.w3.org/2005/08/addressing\"/>";
        String first = "<sp:Header Namespace=\"http://schemas.xmlsoap.org/ws/2005/02/rm\"/>";
        String second = "<sp:Header Namespace=\"http://docs.oasis-open.org/ws-rx/wsrm/200702\"/>";
        return "<sp:SignedParts xmlns:sp=\"" + POLICY + "\"><sp:Body/>" + addressing + first + second + "</sp:SignedParts>"
            + (encrypted ? "<sp:EncryptedParts xmlns:sp=\"" + POLICY + "\"><sp:Body/></sp:EncryptedParts>" : "");
    }

    static String suite() {
        return "<sp:AlgorithmSuite><wsp:Policy><sp:Basic256Sha256/></wsp:Policy></sp:AlgorithmSuite>"
            + "<sp:Layout><wsp:Policy><sp:Lax/></wsp:Policy></sp:Layout><sp:IncludeTimestamp/>";
    }

    private static String x509(String include, String more) {
        return "<sp:X509Token sp:IncludeToken=\"" + include + "\"><wsp:Policy>" + more
            + "<sp:WssX509V3Token10/></wsp:Policy></sp:X509Token>";
    }

    private static String asymmetric() {
        return """
            <sp:AsymmetricBinding xmlns:sp="%s"><wsp:Policy>
              <sp:InitiatorToken><wsp:Policy>%s</wsp:Policy></sp:InitiatorToken>
              <sp:RecipientToken><wsp:Policy>%s</wsp:Policy></sp:RecipientToken>
              %s<sp:OnlySignEntireHeadersAndBody/>
            </wsp:Policy></sp:AsymmetricBinding>
            <sp:Wss10 xmlns:sp="%s"><wsp:Policy><sp:MustSupportRefKeyIdentifier/></wsp:Policy></sp:Wss10>
            """.formatted(POLICY, x509(ALWAYS, ""), x509(NEVER, ""), suite(), POLICY);
    }

    private static String symmetric(String token, boolean encryptSignature) {
        return """
            <sp:SymmetricBinding xmlns:sp="%s"><wsp:Policy>
              <sp:ProtectionToken><wsp:Policy>%s</wsp:Policy></sp:ProtectionToken>
              %s%s<sp:OnlySignEntireHeadersAndBody/>
            </wsp:Policy></sp:SymmetricBinding>
            <sp:Wss11 xmlns:sp="%s"><wsp:Policy><sp:MustSupportRefKeyIdentifier/><sp:MustSupportRefThumbprint/>
              <sp:MustSupportRefEncryptedKey/></wsp:Policy></sp:Wss11>
            <sp:Trust13 xmlns:sp="%s"><wsp:Policy><sp:MustSupportIssuedTokens/><sp:RequireClientEntropy/>
              <sp:RequireServerEntropy/></wsp:Policy></sp:Trust13>
            """.formatted(POLICY, token, suite(), encryptSignature ? "<sp:EncryptSignature/>" : "", POLICY, POLICY);
    }

    private static String endorsed() {
        return "<sp:EndorsingSupportingTokens xmlns:sp=\"" + POLICY + "\"><wsp:Policy>" + x509(ALWAYS, "")
            + "</wsp:Policy></sp:EndorsingSupportingTokens>";
    }

    private static String conversation() {
        return "<sp:SecureConversationToken sp:IncludeToken=\"" + ALWAYS + "\"><wsp:Policy><sp:RequireDerivedKeys/>"
            + "<sp:BootstrapPolicy><wsp:Policy>" + asymmetric() + parts(true)
            + "</wsp:Policy></sp:BootstrapPolicy></wsp:Policy></sp:SecureConversationToken>";
    }

    static String overTransport() {
        return """
            <sp:TransportBinding xmlns:sp="%s"><wsp:Policy>
              <sp:TransportToken><wsp:Policy><sp:HttpsToken><wsp:Policy/></sp:HttpsToken></wsp:Policy></sp:TransportToken>
              %s
            </wsp:Policy></sp:TransportBinding>
            """.formatted(POLICY, suite());
    }

    static String user() {
        return """
            <sp:SignedSupportingTokens xmlns:sp="%s"><wsp:Policy>
              <sp:UsernameToken sp:IncludeToken="%s"><wsp:Policy><sp:WssUsernameToken10/></wsp:Policy></sp:UsernameToken>
            </wsp:Policy></sp:SignedSupportingTokens>
            """.formatted(POLICY, ALWAYS);
    }

    /** A context that such a token asked for endorses the Timestamp, as WCF has it. */
    private static String endorsedByContext(String token) {
        return """
            <sp:EndorsingSupportingTokens xmlns:sp="%1$s"><wsp:Policy>
              <sp:SecureConversationToken sp:IncludeToken="%2$s"><wsp:Policy>
                <sp:BootstrapPolicy><wsp:Policy>%3$s%4$s</wsp:Policy></sp:BootstrapPolicy>
              </wsp:Policy></sp:SecureConversationToken>
            </wsp:Policy></sp:EndorsingSupportingTokens>
            """.formatted(POLICY, ALWAYS, overTransport(), token) + versions();
    }

    private static String versions() {
        return """
            <sp:Wss11 xmlns:sp="%1$s"><wsp:Policy/></sp:Wss11>
            <sp:Trust13 xmlns:sp="%1$s"><wsp:Policy><sp:MustSupportIssuedTokens/><sp:RequireClientEntropy/>
              <sp:RequireServerEntropy/></wsp:Policy></sp:Trust13>
            """.formatted(POLICY);
    }

    /** Only who takes tokens needs keys: its own, and the authority of whoever issues. */
    private String issuedStores() throws GeneralSecurityException, IOException {
        return server ? stores() : "";
    }

    /** What a client says that is asked for a user name and nothing else. */
    static String asUser() {
        return overTransport() + user() + new Protection(new JsonObject(), false).users();
    }

    private String users() {
        return server
            ? """
              <sc:ValidatorConfiguration xmlns:sc="http://schemas.sun.com/2006/03/wss/server" wspp:visibility="private">
                <sc:Validator name="usernameValidator" classname="surewire.metro.Users"/>
              </sc:ValidatorConfiguration>
              """
            : """
              <sc:CallbackHandlerConfiguration xmlns:sc="http://schemas.sun.com/2006/03/wss/client" wspp:visibility="private">
                <sc:CallbackHandler name="usernameHandler" default="alice"/>
                <sc:CallbackHandler name="passwordHandler" default="secret"/>
              </sc:CallbackHandlerConfiguration>
              """;
    }

    private String stores() throws GeneralSecurityException, IOException {
        Path file = Stores.file(Stores.messages(security));
        return """
            <sc:KeyStore xmlns:sc="http://schemas.sun.com/2006/03/wss/%1$s" wspp:visibility="private"
              location="%2$s" type="PKCS12" storepass="%3$s" alias="own"/>
            <sc:TrustStore xmlns:sc="http://schemas.sun.com/2006/03/wss/%1$s" wspp:visibility="private"
              location="%2$s" type="PKCS12" storepass="%3$s" peeralias="peer"/>
            """.formatted(server ? "server" : "client", file, Stores.PASSWORD);
    }
}
