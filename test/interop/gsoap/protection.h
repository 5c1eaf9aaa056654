/* How a peer protects its messages with wsseapi: the same words on the command line of client.c and of server.c. */
#ifndef PROTECTION_H
#define PROTECTION_H

#include "peer.h"

/*
 *   -U text|digest    a UsernameToken in each request ("alice", "secret"), with the password or a digest of it
 *   -K key.pem        signs under this key, and reads what is encrypted for it; Body, Timestamp, addressing and RM headers
 *   -C cert.pem       the certificate of that key
 *   -A ca.pem         who may certify the peer's key
 *   -E peer.pem       encrypts the Body for this certificate
 *   -X rsa15|oaep|gcm how: AES-256 in CBC with RSA-1.5 (where not given), what gSOAP calls OAEP, or GCM
 *   -S saml11|saml20  an assertion in each request, for "alice": its bearer's where -I is given, otherwise one (of 2.0) that the
 *                     signature under -K vouches for; the server believes whom -A certifies
 *   -I key.pem        the key of its issuer, with which a client makes it
 *   -J cert.pem       and the certificate of that
 */
#define PROTECTION_OPTIONS "U:K:C:A:E:X:S:I:J:"

/* Takes an option; 0 when it is none of these. */
int protection_option(int option, const char *value);

/* Whether any was given. */
int protection_wanted(void);

/* Registers wsseapi and reads keys. To be called once for each context, after all options. */
int protection_start(struct soap *soap);

/* What the next message is read with: wsseapi forgets it with each. protect_request() does it for the answer. */
int protection_expect(struct soap *soap);

/* Reads what comes without looking at its protection, and looks at it again. */
void protection_pause(struct soap *soap);
int protection_resume(struct soap *soap);

/* Puts what is asked for into the header of the message that is sent next: a request, or the answer to one. */
int protect_request(struct soap *soap);
int protect_answer(struct soap *soap);

/* Whether the message that was received last has what is asked for. */
int prove_request(struct soap *soap);
int prove_answer(struct soap *soap);

/* Of assertion.c: puts an assertion that `key` signs into the Security header, and asks for one there. */
int assertion_add(struct soap *soap, const char *version, EVP_PKEY *key, X509 *certificate);
int assertion_prove(struct soap *soap, const char *version);

#endif
