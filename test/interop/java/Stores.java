package surewire.peer;

import com.google.gson.JsonObject;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/**
 * The keys that a scenario says: {"own":{"key","certificate"}, "peer":certificate, "anchor":certificate,
 * "tls":{"key","certificate","anchor"}}; keys are PKCS#8 and certificates DER, in base64.
 */
public final class Stores {
    public static final String PASSWORD = "changeit";

    private Stores() {
    }

    /** Aliases own, peer and anchor. */
    public static KeyStore messages(JsonObject security) throws GeneralSecurityException, IOException {
        JsonObject own = security.getAsJsonObject("own");
        KeyStore store = empty();
        Certificate[] chain = {certificate(own, "certificate")};
        store.setKeyEntry("own", key(own), PASSWORD.toCharArray(), chain);
        store.setCertificateEntry("peer", certificate(security, "peer"));
        store.setCertificateEntry("anchor", certificate(security, "anchor"));
        return store;
    }

    /** The same as a file, for stacks that read files only. */
    public static Path file(KeyStore store) throws GeneralSecurityException, IOException {
        Path file = Files.createTempFile("interop", ".p12");
        file.toFile().deleteOnExit();
        try (OutputStream out = Files.newOutputStream(file)) {
            store.store(out, PASSWORD.toCharArray());
        }
        return file;
    }

    /** What a server of HTTPS shows. */
    public static KeyManager[] shown(JsonObject security) throws GeneralSecurityException, IOException {
        JsonObject tls = security.getAsJsonObject("tls");
        KeyStore own = empty();
        own.setKeyEntry("own", key(tls), PASSWORD.toCharArray(), new Certificate[] {certificate(tls, "certificate")});
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, PASSWORD.toCharArray());
        return keys.getKeyManagers();
    }

    /** What a client of HTTPS believes. */
    public static TrustManager[] believed(JsonObject security) throws GeneralSecurityException, IOException {
        KeyStore anchors = empty();
        anchors.setCertificateEntry("anchor", certificate(security.getAsJsonObject("tls"), "anchor"));
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(anchors);
        return trust.getTrustManagers();
    }

    private static KeyStore empty() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        return store;
    }

    private static PrivateKey key(JsonObject from) throws GeneralSecurityException {
        byte[] octets = Base64.getDecoder().decode(from.get("key").getAsString());
        return KeyFactory.getInstance("RSA").generatePrivate(new PKCS8EncodedKeySpec(octets));
    }

    private static X509Certificate certificate(JsonObject from, String name) throws GeneralSecurityException {
        byte[] octets = Base64.getDecoder().decode(from.get(name).getAsString());
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        return (X509Certificate) factory.generateCertificate(new ByteArrayInputStream(octets));
    }
}
