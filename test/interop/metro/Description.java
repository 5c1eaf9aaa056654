package surewire.metro;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;

/** The WSDL of the service with the policies of a scenario: all that Metro is configured with, at either end. */
final class Description {
    private Description() {
    }

    static Path write(JsonObject asked, String address, boolean server) throws IOException, GeneralSecurityException {
        Path file = Files.createTempFile("interop", ".wsdl");
        file.toFile().deleteOnExit();
        Files.writeString(file, text(asked, address, Protection.of(asked, server), server), StandardCharsets.UTF_8);
        return file;
    }

    private static String text(JsonObject asked, String address, Protection protection, boolean server)
        throws IOException, GeneralSecurityException {
        boolean first = asked.get("soap").getAsString().equals("1.1");
        String soap = "http://schemas.xmlsoap.org/wsdl/" + (first ? "soap/" : "soap12/");
        return """
            <definitions xmlns="http://schemas.xmlsoap.org/wsdl/" xmlns:soap="%s" xmlns:tns="urn:surewire:interop"
                xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:wsp="http://www.w3.org/ns/ws-policy"
                xmlns:wspp="http://java.sun.com/xml/ns/wsit/policy"
                xmlns:wsam="http://www.w3.org/2007/05/addressing/metadata"
                xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
                targetNamespace="urn:surewire:interop" name="interop">
              <wsp:Policy wsu:Id="reliable">%s%s<wsam:Addressing/>%s</wsp:Policy>
              <wsp:Policy wsu:Id="protected">%s</wsp:Policy>
              <types>
                <xs:schema targetNamespace="urn:surewire:interop" elementFormDefault="qualified">
                  <xs:element name="echo"><xs:complexType><xs:sequence>
                    <xs:element name="text" type="xs:string"/></xs:sequence></xs:complexType></xs:element>
                  <xs:element name="echoResponse"><xs:complexType><xs:sequence>
                    <xs:element name="text" type="xs:string"/></xs:sequence></xs:complexType></xs:element>
                  <xs:element name="notify"><xs:complexType><xs:sequence>
                    <xs:element name="text" type="xs:string"/></xs:sequence></xs:complexType></xs:element>
                </xs:schema>
              </types>
              <message name="echo"><part name="parameters" element="tns:echo"/></message>
              <message name="echoResponse"><part name="parameters" element="tns:echoResponse"/></message>
              <message name="notify"><part name="parameters" element="tns:notify"/></message>
              <portType name="interop">
                <operation name="echo">
                  <input wsam:Action="urn:surewire:interop/echo" message="tns:echo"/>
                  <output wsam:Action="urn:surewire:interop/echoResponse" message="tns:echoResponse"/>
                </operation>
                <operation name="notify"><input wsam:Action="urn:surewire:interop/notify" message="tns:notify"/></operation>
              </portType>
              <binding name="interopPortBinding" type="tns:interop">
                <wsp:PolicyReference URI="#reliable"/>
                <soap:binding transport="http://schemas.xmlsoap.org/soap/http" style="document"/>
                <operation name="echo"><soap:operation soapAction="urn:surewire:interop/echo"/>
                  <input><wsp:PolicyReference URI="#protected"/><soap:body use="literal"/></input>
                  <output><wsp:PolicyReference URI="#protected"/><soap:body use="literal"/></output></operation>
                <operation name="notify"><soap:operation soapAction="urn:surewire:interop/notify"/>
                  <input><wsp:PolicyReference URI="#protected"/><soap:body use="literal"/></input></operation>
              </binding>
              <service name="interopService">
                <port name="interopPort" binding="tns:interopPortBinding"><soap:address location="%s"/></port>
              </service>
            </definitions>
            """.formatted(soap, reliable(asked.get("rm").getAsString(), server), polled(asked), protection.binding(), protection.message(), address);
    }

    /** Answers wait until the client asks for them. */
    private static String polled(JsonObject asked) {
        if (!asked.get("polled").getAsBoolean()) {
            return "";
        }
        return "<mc:MCSupported xmlns:mc=\"http://docs.oasis-open.org/ws-rx/wsmc/200702\"/>";
    }

    /** Losses are noticed soon enough for a test. */
    private static String reliable(String version, boolean server) {
        if (version.equals("1.0")) {
            return "<rm:RMAssertion xmlns:rm=\"http://schemas.xmlsoap.org/ws/2005/02/rm/policy\"/>"
                + "<o:Ordered xmlns:o=\"http://sun.com/2006/03/rm\"/>"
                + (server ? "" : "<c:ResendInterval xmlns:c=\"http://sun.com/2006/03/rm/client\" Milliseconds=\"1000\"/>");
        }
        return """
            <rm:RMAssertion xmlns:rm="http://docs.oasis-open.org/ws-rx/wsrmp/200702"><wsp:Policy>
              <rm:DeliveryAssurance><wsp:Policy><rm:ExactlyOnce/><rm:InOrder/></wsp:Policy></rm:DeliveryAssurance>
            </wsp:Policy></rm:RMAssertion>
            <m:RetransmissionConfig xmlns:m="http://java.sun.com/xml/ns/metro/ws-rx/wsrmp/200702">
              <m:Interval Milliseconds="1000"/></m:RetransmissionConfig>
            """;
    }
}
