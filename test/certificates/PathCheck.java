import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.file.Path;
import java.security.cert.CertPathValidator;
import java.security.cert.CertPathValidatorException;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXParameters;
import java.security.cert.TrustAnchor;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** Validates `<folder>/<name>.chain.pem` for each name against the root and both revocation lists, as PKIX says. */
public class PathCheck {
    public static void main(String[] args) throws Exception {
        CertificateFactory factory = CertificateFactory.getInstance("X.509");
        for (int index = 1; index < args.length; index++) {
            Path stem = Path.of(args[0], args[index]);
            Path folder = stem.getParent();
            X509Certificate root = (X509Certificate) read(factory, folder.resolve("root.cert.pem")).get(0);
            PKIXParameters parameters = new PKIXParameters(Set.of(new TrustAnchor(root, null)));
            List<Object> lists = new ArrayList<>();
            for (String name : List.of("root.crl", "intermediate.crl")) {
                try (InputStream in = new FileInputStream(folder.resolve(name).toFile())) {
                    lists.add(factory.generateCRL(in));
                }
            }
            parameters.addCertStore(CertStore.getInstance("Collection", new CollectionCertStoreParameters(lists)));
            String verdict;
            try {
                List<? extends Certificate> chain = read(factory, Path.of(stem + ".chain.pem"));
                CertPathValidator.getInstance("PKIX").validate(factory.generateCertPath(chain), parameters);
                verdict = "VALID";
            } catch (CertPathValidatorException refused) {
                verdict = refused.getReason().toString();
            }
            System.out.println(args[index] + " " + verdict);
        }
    }

    private static List<Certificate> read(CertificateFactory factory, Path file) throws Exception {
        try (InputStream in = new FileInputStream(file.toFile())) {
            return new ArrayList<>(factory.generateCertificates(in));
        }
    }
}
