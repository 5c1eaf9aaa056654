/*
 * The keys of a run: {"entries":[{"alias", "key":base64 of PKCS#8, "certificate":base64 of DER}], "anchors":[base64],
 * "users":{name: password}, "secrets":{identifier: base64}}. One WSS4J Crypto over them, and the callback for passwords.
 */
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.CallbackHandler;
import org.apache.wss4j.common.crypto.Crypto;
import org.apache.wss4j.common.crypto.CryptoType;
import org.apache.wss4j.common.crypto.Merlin;
import org.apache.wss4j.common.ext.WSPasswordCallback;

final class Keys {
    static final String PASSWORD = "changeit";
    final Crypto crypto;
    final JsonObject users;
    final JsonObject secrets;

    Keys(JsonObject given) throws Exception {
        KeyStore own = KeyStore.getInstance("JKS");
        own.load(null, null);
        KeyStore trusted = KeyStore.getInstance("JKS");
        trusted.load(null, null);
        for (JsonElement one : given.getAsJsonArray("entries")) {
            JsonObject entry = one.getAsJsonObject();
            X509Certificate certificate = certificate(entry.get("certificate").getAsString());
            byte[] pkcs8 = Base64.getDecoder().decode(entry.get("key").getAsString());
            PrivateKey key = KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm())
                .generatePrivate(new PKCS8EncodedKeySpec(pkcs8));
            own.setKeyEntry(entry.get("alias").getAsString(), key, PASSWORD.toCharArray(), new Certificate[] {certificate});
        }
        int number = 0;
        for (JsonElement anchor : given.getAsJsonArray("anchors")) {
            trusted.setCertificateEntry("anchor" + ++number, certificate(anchor.getAsString()));
        }
        Merlin merlin = new Merlin();
        merlin.setKeyStore(own);
        merlin.setTrustStore(trusted);
        crypto = merlin;
        users = given.has("users") ? given.getAsJsonObject("users") : new JsonObject();
        secrets = given.has("secrets") ? given.getAsJsonObject("secrets") : new JsonObject();
    }

    static X509Certificate certificate(String base64) throws Exception {
        byte[] der = Base64.getDecoder().decode(base64);
        return (X509Certificate) CertificateFactory.getInstance("X.509").generateCertificate(new ByteArrayInputStream(der));
    }

    X509Certificate certificateOf(String alias) throws Exception {
        CryptoType type = new CryptoType(CryptoType.TYPE.ALIAS);
        type.setAlias(alias);
        return crypto.getX509Certificates(type)[0];
    }

    byte[] secret(String identifier) {
        return Base64.getDecoder().decode(secrets.get(identifier).getAsString());
    }

    /** The key in an EncryptedKey, by the SHA-1 of its encrypted octets. */
    void remember(String sha1, byte[] secret) {
        secrets.addProperty(sha1, Base64.getEncoder().encodeToString(secret));
    }

    CallbackHandler callbacks() {
        return (Callback[] asked) -> {
            for (Callback one : asked) {
                if (!(one instanceof WSPasswordCallback)) {
                    throw new IOException("an unknown callback");
                }
                WSPasswordCallback password = (WSPasswordCallback) one;
                switch (password.getUsage()) {
                    case WSPasswordCallback.DECRYPT:
                    case WSPasswordCallback.SIGNATURE:
                        password.setPassword(PASSWORD);
                        break;
                    case WSPasswordCallback.USERNAME_TOKEN:
                        if (users.has(password.getIdentifier())) {
                            password.setPassword(users.get(password.getIdentifier()).getAsString());
                        }
                        break;
                    default:
                        if (secrets.has(password.getIdentifier())) {
                            password.setKey(secret(password.getIdentifier()));
                        }
                }
            }
        };
    }
}
