/** The README that lies beside the generated keys. */
import type { PkiSettings } from './settings.ts';

export function readme({ algorithms, clients, password }: PkiSettings): string {
  return `# DEV ONLY

Certificates and private keys of a development PKI, made by surewire. The keys are not encrypted and the password below
is public. Never trust these roots, and never use these keys, on a machine that matters. Delete the folder at any time:
it can be made again. The folder is ignored by git.

| file | what it is |
|---|---|
| \`trust.pem\` | the root certificates: give this to whoever shall trust the others |
| \`pki.json\` | the manifest: names, subjects, fingerprints, validity |
| \`<chain>/<name>.cert.pem\` | one certificate |
| \`<chain>/<name>.chain.pem\` | the certificate with its intermediate, as a TLS server sends it |
| \`<chain>/<name>.key.pem\` | its private key (PKCS#8), for the owner of the file only |
| \`<chain>/<name>.pfx\` | key and chain as PKCS#12: AES-256, PBKDF2, SHA-256 |
| \`<chain>/<name>.legacy.pfx\` | the same for old Windows and Java: Triple DES, SHA-1 |
| \`<chain>/<ca>.crl.pem\`, \`.crl\` | revocation list of the CA, PEM and DER |

Chains: ${algorithms.map((algorithm) => `\`${algorithm}\``).join(', ')}. Password of every PKCS#12 file: \`${password}\`.

| name | use |
|---|---|
| \`root\`, \`intermediate\` | the CAs |
| \`server\` | TLS server |
| ${clients.map((client) => `\`${client}\``).join(', ')} | TLS clients, message signatures |
| \`service-signing\`, \`client-signing\` | message signatures and keys for encryption |
| \`expired\` | is refused: no longer valid |
| \`revoked\` | is refused: on the intermediate's revocation list |
`;
}
