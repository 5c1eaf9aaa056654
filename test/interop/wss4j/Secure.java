/*
 * Makes secured messages with WSS4J: {"envelope", "steps":[{"do":…}]}, each step as WSS4J would put it into the header, that
 * is in front of what the steps before it made. The answer has the envelope and the values of the signatures.
 */
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.StringWriter;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import javax.crypto.SecretKey;
import javax.crypto.spec.SecretKeySpec;
import javax.xml.transform.OutputKeys;
import javax.xml.transform.Transformer;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.apache.wss4j.common.WSEncryptionPart;
import org.apache.wss4j.common.util.KeyUtils;
import org.apache.wss4j.common.util.UsernameTokenUtil;
import org.apache.wss4j.dom.WSConstants;
import org.apache.wss4j.dom.engine.WSSConfig;
import org.apache.wss4j.dom.message.WSSecBase;
import org.apache.wss4j.dom.message.WSSecDKEncrypt;
import org.apache.wss4j.dom.message.WSSecDKSign;
import org.apache.wss4j.dom.message.WSSecDerivedKeyBase;
import org.apache.wss4j.dom.message.WSSecEncrypt;
import org.apache.wss4j.dom.message.WSSecEncryptedKey;
import org.apache.wss4j.dom.message.WSSecHeader;
import org.apache.wss4j.dom.message.WSSecSecurityContextToken;
import org.apache.wss4j.dom.message.WSSecSignature;
import org.apache.wss4j.dom.message.WSSecSignatureConfirmation;
import org.apache.wss4j.dom.message.WSSecTimestamp;
import org.apache.wss4j.dom.message.WSSecUsernameToken;
import org.w3c.dom.Document;

final class Secure {
    /** A ValueType of our own, for a key that its SHA-1 names. */
    private static final String SHARED = "shared";

    static final Map<String, Integer> REFERENCES = Map.of(
        "direct", WSConstants.BST_DIRECT_REFERENCE,
        "issuer-serial", WSConstants.ISSUER_SERIAL,
        "ski", WSConstants.SKI_KEY_IDENTIFIER,
        "thumbprint", WSConstants.THUMBPRINT_IDENTIFIER,
        "x509", WSConstants.X509_KEY_IDENTIFIER,
        "key-value", WSConstants.KEY_VALUE);

    final Keys keys;
    final JsonArray values = new JsonArray();
    WSSecHeader header;
    Document document;

    Secure(Keys keys) {
        this.keys = keys;
    }

    JsonObject secure(JsonObject request) throws Exception {
        document = Process.parse(request.get("envelope").getAsString());
        header = new WSSecHeader(document);
        header.insertSecurityHeader();
        for (JsonElement step : request.getAsJsonArray("steps")) {
            take(step.getAsJsonObject());
        }
        JsonObject answer = new JsonObject();
        answer.addProperty("envelope", serialize(document));
        answer.add("values", values);
        return answer;
    }

    private void take(JsonObject step) throws Exception {
        switch (text(step, "do", "")) {
            case "timestamp":
                WSSecTimestamp timestamp = new WSSecTimestamp(header);
                timestamp.setTimeToLive(step.has("seconds") ? step.get("seconds").getAsInt() : 300);
                timestamp.build();
                break;
            case "username":
                username(step);
                break;
            case "signature":
                signature(step);
                break;
            case "encryption":
                encryption(step);
                break;
            case "session":
                session(step);
                break;
            case "confirmation":
                WSSecSignatureConfirmation confirmation = new WSSecSignatureConfirmation(header);
                confirmation.build(step.has("value") ? Base64.getDecoder().decode(text(step, "value", "")) : null);
                break;
            case "saml":
                new Assertions(this).take(step);
                break;
            default:
                throw new IllegalArgumentException("unknown step " + step);
        }
    }

    private void username(JsonObject step) {
        WSSecUsernameToken token = new WSSecUsernameToken(header);
        boolean digest = text(step, "type", "text").equals("digest");
        token.setPasswordType(digest ? WSConstants.PASSWORD_DIGEST : WSConstants.PASSWORD_TEXT);
        token.setUserInfo(text(step, "user", ""), text(step, "password", ""));
        if (!digest && step.has("nonce")) {
            token.addNonce();
            token.addCreated();
        }
        token.build();
    }

    private void signature(JsonObject step) throws Exception {
        WSSecSignature signature = new WSSecSignature(header);
        settings(signature, step);
        signature.setUserInfo(text(step, "alias", ""), Keys.PASSWORD);
        parts(signature, step);
        signature.build(keys.crypto);
        note(signature.getSignatureValue());
    }

    void settings(WSSecSignature signature, JsonObject step) {
        signature.setKeyIdentifierType(REFERENCES.get(text(step, "reference", "direct")));
        signature.setSignatureAlgorithm(text(step, "algorithm", WSConstants.RSA_SHA256));
        signature.setDigestAlgo(text(step, "digest", WSConstants.SHA256));
        signature.setSigCanonicalization(text(step, "canonicalization", WSConstants.C14N_EXCL_OMIT_COMMENTS));
        signature.setAddInclusivePrefixes(!step.has("prefixes") || step.get("prefixes").getAsBoolean());
        signature.setUseSingleCertificate(!step.has("path"));
        signature.setIncludeSignatureToken(step.has("token") && step.get("token").getAsBoolean());
    }

    private void encryption(JsonObject step) throws Exception {
        WSSecEncrypt encryption = new WSSecEncrypt(header);
        encryption.setUserInfo(text(step, "alias", ""));
        encryption.setKeyIdentifierType(REFERENCES.get(text(step, "reference", "direct")));
        String content = text(step, "content", WSConstants.AES_128_GCM);
        encryption.setSymmetricEncAlgorithm(content);
        transport(encryption, step);
        encryption.getParts().clear();
        parts(encryption, step);
        encryption.build(keys.crypto, KeyUtils.getKeyGenerator(content).generateKey());
    }

    private void transport(WSSecEncryptedKey key, JsonObject step) throws Exception {
        key.setKeyEncAlgo(text(step, "transport", WSConstants.KEYTRANSPORT_RSAOAEP));
        if (step.has("digest")) {
            key.setDigestAlgorithm(text(step, "digest", ""));
        }
        if (step.has("mask")) {
            key.setMGFAlgorithm(text(step, "mask", ""));
        }
        if (step.has("agreement")) {
            key.setKeyAgreementMethod(text(step, "agreement", ""));
            key.setKeyDerivationMethod(text(step, "derivation", "http://www.w3.org/2009/xmlenc11#ConcatKDF"));
        }
    }

    /**
     * Signs and encrypts under one symmetric key: of an EncryptedKey made here ("alias"), of a SecurityContextToken
     * ("context", in "secrets"), or of a UsernameToken ("user"); directly or through derived keys ("derived": 1 for
     * 2005/02, 2 for 2005/12), or of an EncryptedKey of another message, named by its SHA-1 ("shared"). "order": "sign",
     * "encrypt", "sign-encrypt" or "encrypt-sign".
     */
    private void session(JsonObject step) throws Exception {
        byte[] secret;
        String token;
        String type;
        Runnable insert;
        if (step.has("context")) {
            WSSecSecurityContextToken context = new WSSecSecurityContextToken(header, WSSConfig.getNewInstance());
            context.setWscVersion(step.has("derived") ? step.get("derived").getAsInt() : 2);
            context.setIdentifier(text(step, "context", ""));
            context.prepare(keys.crypto);
            secret = keys.secret(text(step, "context", ""));
            token = context.getSctId();
            type = context.getSct().getElement().getNamespaceURI().replaceAll("/?$", "") + "/sct";
            insert = () -> {
                try {
                    context.prependSCTElementToHeader();
                } catch (Exception thrown) {
                    throw new IllegalStateException(thrown);
                }
            };
        } else if (step.has("user")) {
            WSSecUsernameToken username = new WSSecUsernameToken(header);
            username.setUserInfo(text(step, "user", ""), text(step, "password", ""));
            username.addDerivedKey(step.has("iterations") ? step.get("iterations").getAsInt() : 1000);
            byte[] salt = UsernameTokenUtil.generateSalt(true);
            username.prepare(salt);
            secret = username.getDerivedKey(salt);
            token = username.getId();
            type = WSConstants.WSS_USERNAME_TOKEN_VALUE_TYPE;
            // Before the signature is made, so that it may cover the token.
            username.prependToHeader();
            insert = () -> { };
        } else if (step.has("shared")) {
            token = text(step, "shared", "");
            secret = keys.secret(token);
            type = SHARED;
            insert = () -> { };
        } else {
            WSSecEncryptedKey key = new WSSecEncryptedKey(header);
            key.setUserInfo(text(step, "alias", ""));
            key.setKeyIdentifierType(REFERENCES.get(text(step, "reference", "thumbprint")));
            transport(key, step);
            SecretKey generated = KeyUtils.getKeyGenerator(WSConstants.AES_256).generateKey();
            key.prepare(keys.crypto, generated);
            secret = generated.getEncoded();
            keys.remember(key.getEncryptedKeySHA1(), secret);
            token = key.getId();
            type = WSConstants.WSS_ENC_KEY_VALUE_TYPE;
            insert = () -> {
                key.prependToHeader();
                key.prependBSTElementToHeader();
            };
        }
        for (String what : text(step, "order", "sign").split("-")) {
            if (what.equals("sign")) {
                symmetricSignature(step, secret, token, type);
            } else {
                symmetricEncryption(step, secret, token, type);
            }
        }
        insert.run();
    }

    private void symmetricSignature(JsonObject step, byte[] secret, String token, String type) throws Exception {
        String algorithm = text(step, "algorithm", WSConstants.HMAC_SHA256);
        if (step.has("derived")) {
            WSSecDKSign signature = new WSSecDKSign(header);
            derive(signature, step, token, type);
            signature.setSignatureAlgorithm(algorithm);
            signature.setDigestAlgorithm(text(step, "digest", WSConstants.SHA256));
            signature.setDerivedKeyLength(24);
            parts(signature, step);
            signature.build(secret);
            note(signature.getSignatureValue());
            return;
        }
        WSSecSignature signature = new WSSecSignature(header);
        settings(signature, step);
        if (type.equals(SHARED)) {
            signature.setKeyIdentifierType(WSConstants.ENCRYPTED_KEY_SHA1_IDENTIFIER);
            signature.setEncrKeySha1value(token);
        } else {
            signature.setKeyIdentifierType(WSConstants.CUSTOM_SYMM_SIGNING);
            signature.setCustomTokenId(token);
            signature.setCustomTokenValueType(type);
        }
        signature.setSignatureAlgorithm(algorithm);
        signature.setSecretKey(secret);
        parts(signature, step);
        signature.build(keys.crypto);
        note(signature.getSignatureValue());
    }

    private void symmetricEncryption(JsonObject step, byte[] secret, String token, String type) throws Exception {
        String content = text(step, "content", WSConstants.AES_256_GCM);
        if (step.has("derived")) {
            WSSecDKEncrypt encryption = new WSSecDKEncrypt(header);
            derive(encryption, step, token, type);
            encryption.setSymmetricEncAlgorithm(content);
            encryption.setDerivedKeyLength(KeyUtils.getKeyLength(content));
            parts(encryption, "encrypted", step);
            encryption.build(secret);
            return;
        }
        WSSecEncrypt encryption = new WSSecEncrypt(header);
        encryption.setSymmetricEncAlgorithm(content);
        encryption.setEncryptSymmKey(false);
        if (type.equals(SHARED)) {
            encryption.setKeyIdentifierType(WSConstants.ENCRYPTED_KEY_SHA1_IDENTIFIER);
            encryption.setCustomReferenceValue(token);
        } else {
            encryption.setEncKeyId(token);
            encryption.setCustomReferenceValue(type);
        }
        parts(encryption, "encrypted", step);
        int length = KeyUtils.getKeyLength(content);
        encryption.build(keys.crypto, new SecretKeySpec(secret, 0, Math.min(length, secret.length), "AES"));
    }

    private void derive(WSSecDerivedKeyBase key, JsonObject step, String token, String type) {
        key.setTokenIdentifier(token);
        key.setCustomValueType(type);
        key.setWscVersion(step.get("derived").getAsInt());
    }

    void note(byte[] value) {
        values.add(Base64.getEncoder().encodeToString(value));
    }

    void parts(WSSecBase builder, JsonObject step) {
        parts(builder, "parts", step);
    }

    /** Each part is [local name, namespace, "Element" | "Content" | "Header"]; absent means the Body. */
    private void parts(WSSecBase builder, String member, JsonObject step) {
        if (!step.has(member)) {
            return;
        }
        List<WSEncryptionPart> parts = builder.getParts();
        for (JsonElement one : step.getAsJsonArray(member)) {
            JsonArray part = one.getAsJsonArray();
            String modifier = part.size() > 2 ? part.get(2).getAsString() : "";
            parts.add(new WSEncryptionPart(part.get(0).getAsString(), part.get(1).getAsString(), modifier));
        }
    }

    static String text(JsonObject step, String member, String otherwise) {
        return step.has(member) ? step.get(member).getAsString() : otherwise;
    }

    static String serialize(Document document) throws Exception {
        Transformer transformer = TransformerFactory.newInstance().newTransformer();
        transformer.setOutputProperty(OutputKeys.OMIT_XML_DECLARATION, "yes");
        StringWriter text = new StringWriter();
        transformer.transform(new DOMSource(document), new StreamResult(text));
        return text.toString();
    }
}
