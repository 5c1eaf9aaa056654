/*
 * Verifies and decrypts with WSSecurityEngine: {"envelope", "relaxed": not the Basic Security Profile,
 * "rsa15": allow that key transport, "audience":[…], "confirmation": whether who holds the key of an assertion is asked}. The answer tells
 * each result's action, what was covered, the signer and the envelope after decryption.
 */
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.StringReader;
import java.security.MessageDigest;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.wss4j.common.cache.MemoryReplayCache;
import org.apache.wss4j.dom.WSDataRef;
import org.apache.wss4j.dom.engine.WSSConfig;
import org.apache.wss4j.dom.engine.WSSecurityEngine;
import org.apache.wss4j.dom.engine.WSSecurityEngineResult;
import org.apache.wss4j.dom.handler.RequestData;
import org.apache.wss4j.dom.handler.WSHandlerResult;
import org.apache.wss4j.dom.message.token.SignatureConfirmation;
import org.w3c.dom.Document;
import org.xml.sax.InputSource;

final class Process {
    private static final DocumentBuilderFactory FACTORY = DocumentBuilderFactory.newInstance();

    static {
        FACTORY.setNamespaceAware(true);
    }

    private final Keys keys;

    Process(Keys keys) {
        this.keys = keys;
    }

    static Document parse(String xml) throws Exception {
        return FACTORY.newDocumentBuilder().parse(new InputSource(new StringReader(xml)));
    }

    JsonObject process(JsonObject request) throws Exception {
        Document document = parse(request.get("envelope").getAsString());
        RequestData data = new RequestData();
        data.setWssConfig(WSSConfig.getNewInstance());
        data.setSigVerCrypto(keys.crypto);
        data.setDecCrypto(keys.crypto);
        data.setCallbackHandler(keys.callbacks());
        data.setDisableBSPEnforcement(flag(request, "relaxed"));
        // A UsernameToken that a key is derived of has no password.
        data.setAllowUsernameTokenNoPassword(flag(request, "derives"));
        data.setAllowRSA15KeyTransportAlgorithm(flag(request, "rsa15"));
        data.setNonceReplayCache(new MemoryReplayCache());
        data.setTimestampReplayCache(new MemoryReplayCache());
        data.setSamlOneTimeUseReplayCache(new MemoryReplayCache());
        data.setValidateSamlSubjectConfirmation(!request.has("confirmation") || request.get("confirmation").getAsBoolean());
        if (request.has("audience")) {
            List<String> audience = new ArrayList<>();
            for (JsonElement one : request.getAsJsonArray("audience")) {
                audience.add(one.getAsString());
            }
            data.setAudienceRestrictions(audience);
        }
        WSSecurityEngine engine = new WSSecurityEngine();
        engine.setWssConfig(data.getWssConfig());
        WSHandlerResult result = engine.processSecurityHeader(document, data);
        if (result == null) {
            throw new IllegalStateException("no Security header");
        }
        JsonObject answer = new JsonObject();
        JsonArray results = new JsonArray();
        for (WSSecurityEngineResult one : result.getResults()) {
            results.add(describe(one));
            byte[] secret = (byte[]) one.get(WSSecurityEngineResult.TAG_SECRET);
            byte[] encrypted = (byte[]) one.get(WSSecurityEngineResult.TAG_ENCRYPTED_EPHEMERAL_KEY);
            if (secret != null && encrypted != null) {
                byte[] sha1 = MessageDigest.getInstance("SHA-1").digest(encrypted);
                keys.remember(Base64.getEncoder().encodeToString(sha1), secret);
                answer.addProperty("shared", Base64.getEncoder().encodeToString(sha1));
            }
        }
        answer.add("results", results);
        if (!flag(request, "quiet")) {
            answer.addProperty("envelope", Secure.serialize(document));
        }
        return answer;
    }

    private static JsonObject describe(WSSecurityEngineResult result) {
        JsonObject one = new JsonObject();
        one.addProperty("action", (Integer) result.get(WSSecurityEngineResult.TAG_ACTION));
        X509Certificate signer = (X509Certificate) result.get(WSSecurityEngineResult.TAG_X509_CERTIFICATE);
        if (signer != null) {
            one.addProperty("subject", signer.getSubjectX500Principal().getName());
        }
        Object refs = result.get(WSSecurityEngineResult.TAG_DATA_REF_URIS);
        JsonArray covered = new JsonArray();
        if (refs instanceof List) {
            for (Object ref : (List<?>) refs) {
                WSDataRef part = (WSDataRef) ref;
                covered.add(part.getName() == null ? "content" : part.getName().toString());
            }
        }
        one.add("covered", covered);
        byte[] value = (byte[]) result.get(WSSecurityEngineResult.TAG_SIGNATURE_VALUE);
        if (value != null) {
            one.addProperty("value", Base64.getEncoder().encodeToString(value));
        }
        Object confirmation = result.get(WSSecurityEngineResult.TAG_SIGNATURE_CONFIRMATION);
        if (confirmation instanceof SignatureConfirmation) {
            byte[] confirmed = ((SignatureConfirmation) confirmation).getSignatureValue();
            one.addProperty("confirms", confirmed == null ? "" : Base64.getEncoder().encodeToString(confirmed));
        }
        return one;
    }

    private static boolean flag(JsonObject request, String name) {
        return request.has(name) && request.get(name).getAsBoolean();
    }
}
