package surewire.metro;

import com.google.gson.JsonObject;
import com.sun.xml.ws.api.security.trust.client.STSIssuedTokenConfiguration;
import com.sun.xml.ws.security.trust.STSIssuedTokenFeature;
import com.sun.xml.ws.security.trust.impl.client.DefaultSTSIssuedTokenConfiguration;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Tokens that a security token service has issued: {"mode":"issued"|"issued-saml11"|"issued-bearer"|"issued-conversation"|
 * "issued-certificate"}; the client asks for them at {"issuer":{"url"}} with a user name over HTTPS.
 */
final class Issued {
    private static final String TRUST = "http://docs.oasis-open.org/ws-sx/ws-trust/200512";
    private static final String PROFILE = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1#SAMLV";
    private static final String NAMESPACE = "urn:surewire:interop:issuer";

    private Issued() {
    }

    static boolean is(JsonObject security) {
        return security.has("mode") && security.get("mode").getAsString().startsWith("issued");
    }

    /** The supporting token of a policy. */
    static String token(String mode) {
        boolean bearer = mode.equals("issued-bearer");
        String name = bearer ? "SignedSupportingTokens" : "EndorsingSupportingTokens";
        return """
            <sp:%1$s xmlns:sp="%2$s"><wsp:Policy>
              <sp:IssuedToken sp:IncludeToken="%3$s">
                <sp:RequestSecurityTokenTemplate xmlns:t="%4$s">
                  <t:TokenType>%5$s%6$s</t:TokenType><t:KeyType>%4$s/%7$s</t:KeyType>%8$s
                </sp:RequestSecurityTokenTemplate>
                <wsp:Policy><sp:RequireInternalReference/></wsp:Policy>
              </sp:IssuedToken>
            </wsp:Policy></sp:%1$s>
            """.formatted(name, Protection.POLICY, Protection.ALWAYS, TRUST, PROFILE, mode.equals("issued-saml11") ? "1.1" : "2.0",
                bearer ? "Bearer" : "SymmetricKey", bearer ? "" : "<t:KeySize>256</t:KeySize>");
    }

    /** Where a client asks, and how. */
    static STSIssuedTokenFeature asking(JsonObject security) throws IOException {
        String url = security.getAsJsonObject("issuer").get("url").getAsString();
        Path wsdl = Files.createTempFile("issuer", ".wsdl");
        wsdl.toFile().deleteOnExit();
        Files.writeString(wsdl, description(url), StandardCharsets.UTF_8);
        return new STSIssuedTokenFeature(new DefaultSTSIssuedTokenConfiguration(
            STSIssuedTokenConfiguration.PROTOCOL_13, url, wsdl.toUri().toString(), "issuer", "issuerPort", NAMESPACE));
    }

    private static String description(String url) {
        return """
            <definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap12/"
                xmlns:tns="%1$s" xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:wsp="http://www.w3.org/ns/ws-policy"
                xmlns:wspp="http://java.sun.com/xml/ns/wsit/policy"
                xmlns:wsam="http://www.w3.org/2007/05/addressing/metadata" xmlns:t="%2$s"
                xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
                targetNamespace="%1$s" name="issuer">
              <wsp:Policy wsu:Id="protected"><wsam:Addressing/>%3$s</wsp:Policy>
              <types><xs:schema targetNamespace="%2$s" elementFormDefault="qualified">
                <xs:element name="RequestSecurityToken" type="xs:anyType"/>
                <xs:element name="RequestSecurityTokenResponseCollection" type="xs:anyType"/>
              </xs:schema></types>
              <message name="asked"><part name="body" element="t:RequestSecurityToken"/></message>
              <message name="issued"><part name="body" element="t:RequestSecurityTokenResponseCollection"/></message>
              <portType name="issuer"><operation name="issue">
                <input wsam:Action="%2$s/RST/Issue" message="tns:asked"/>
                <output wsam:Action="%2$s/RSTRC/IssueFinal" message="tns:issued"/>
              </operation></portType>
              <binding name="issuerBinding" type="tns:issuer">
                <wsp:PolicyReference URI="#protected"/>
                <soap:binding transport="http://schemas.xmlsoap.org/soap/http" style="document"/>
                <operation name="issue"><soap:operation soapAction="%2$s/RST/Issue"/>
                  <input><soap:body use="literal"/></input><output><soap:body use="literal"/></output></operation>
              </binding>
              <service name="issuer"><port name="issuerPort" binding="tns:issuerBinding"><soap:address location="%4$s"/></port></service>
            </definitions>
            """.formatted(NAMESPACE, TRUST, Protection.asUser(), url);
    }
}
