/*
 * SAML assertions made and signed by WSS4J with OpenSAML: {"version": "1.1" | "2.0", "method": "bearer" | "sender-vouches" |
 * "holder-of-key", "issuer": alias that signs the assertion, or absent, "alias": of the subject's (or the sender's)
 * certificate, "audience", "signs": whether the message is signed with it, "parts"}.
 */
import com.google.gson.JsonObject;
import java.time.Instant;
import java.util.List;
import org.apache.wss4j.common.saml.SAMLCallback;
import org.apache.wss4j.common.saml.SamlAssertionWrapper;
import org.apache.wss4j.common.saml.bean.AttributeBean;
import org.apache.wss4j.common.saml.bean.AttributeStatementBean;
import org.apache.wss4j.common.saml.bean.AudienceRestrictionBean;
import org.apache.wss4j.common.saml.bean.ConditionsBean;
import org.apache.wss4j.common.saml.bean.KeyInfoBean;
import org.apache.wss4j.common.saml.bean.SubjectBean;
import org.apache.wss4j.common.saml.bean.Version;
import org.apache.wss4j.dom.WSConstants;
import org.apache.wss4j.dom.message.WSSecSAMLToken;
import org.apache.wss4j.dom.saml.WSSecSignatureSAML;

final class Assertions {
    private final Secure secure;
    private final Keys keys;

    Assertions(Secure secure) {
        this.secure = secure;
        this.keys = secure.keys;
    }

    void take(JsonObject step) throws Exception {
        SamlAssertionWrapper assertion = assertion(step);
        String issuer = Secure.text(step, "issuer", null);
        if (issuer != null) {
            assertion.signAssertion(issuer, Keys.PASSWORD, keys.crypto, false,
                WSConstants.C14N_EXCL_OMIT_COMMENTS, Secure.text(step, "algorithm", WSConstants.RSA_SHA256), WSConstants.SHA256);
        }
        if (!step.has("signs") || !step.get("signs").getAsBoolean()) {
            new WSSecSAMLToken(secure.header).build(assertion);
            return;
        }
        WSSecSignatureSAML signature = new WSSecSignatureSAML(secure.header);
        secure.settings(signature, step);
        signature.setUserInfo(Secure.text(step, "alias", ""), Keys.PASSWORD);
        secure.parts(signature, step);
        boolean vouches = Secure.text(step, "method", "bearer").equals("sender-vouches");
        signature.build(vouches ? null : keys.crypto, assertion, vouches ? keys.crypto : null,
            vouches ? Secure.text(step, "alias", "") : null, vouches ? Keys.PASSWORD : null);
        secure.note(signature.getSignatureValue());
    }

    private SamlAssertionWrapper assertion(JsonObject step) throws Exception {
        boolean old = Secure.text(step, "version", "2.0").equals("1.1");
        String method = Secure.text(step, "method", "bearer");
        SAMLCallback callback = new SAMLCallback();
        callback.setSamlVersion(old ? Version.SAML_11 : Version.SAML_20);
        callback.setIssuer("urn:surewire:issuer");
        String uri = old ? "urn:oasis:names:tc:SAML:1.0:cm:" + method : "urn:oasis:names:tc:SAML:2.0:cm:" + method;
        SubjectBean subject = new SubjectBean("alice", "urn:surewire", uri);
        if (method.equals("holder-of-key")) {
            KeyInfoBean info = new KeyInfoBean();
            info.setCertIdentifer(KeyInfoBean.CERT_IDENTIFIER.X509_CERT);
            info.setCertificate(keys.certificateOf(Secure.text(step, "alias", "")));
            subject.setKeyInfo(info);
        }
        callback.setSubject(subject);
        Instant now = Instant.now();
        ConditionsBean conditions = new ConditionsBean(now.minusSeconds(60), now.plusSeconds(300));
        if (step.has("audience")) {
            AudienceRestrictionBean audience = new AudienceRestrictionBean();
            audience.setAudienceURIs(List.of(Secure.text(step, "audience", "")));
            conditions.setAudienceRestrictions(List.of(audience));
        }
        callback.setConditions(conditions);
        AttributeBean role = new AttributeBean();
        role.setSimpleName("role");
        role.setQualifiedName(old ? "urn:surewire:attributes" : "role");
        role.addAttributeValue("buyer");
        AttributeStatementBean statement = new AttributeStatementBean();
        statement.setSubject(subject);
        statement.setSamlAttributes(List.of(role));
        callback.setAttributeStatementData(List.of(statement));
        return new SamlAssertionWrapper(callback);
    }
}
