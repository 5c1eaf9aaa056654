#include "protection.h"

#include "wsseapi.h"

enum { LIFETIME_SECONDS = 300 };

static const char USER[] = "alice";
static const char PASSWORD[] = "secret";

/* What is signed besides the Body, where it is there. wsu:Timestamp has an Id of its own, and is signed for it. */
static const char SIGNED_HEADERS[] =
    "wsa5:From wsa5:To wsa5:ReplyTo wsa5:FaultTo wsa5:Action wsa5:MessageID wsa5:RelatesTo "
    "wsrm:Sequence wsrm:AckRequested wsrm:SequenceAcknowledgement wsrm:SequenceFault";

static struct
{
  const char *user, *key, *certificate, *authority, *peer, *cipher, *saml, *issuer_key, *issuer;
} wanted;

static EVP_PKEY *private_key, *issuer_key;
static X509 *own, *peer, *issuer;

int protection_option(int option, const char *value)
{
  switch (option)
  {
    case 'U': wanted.user = value; return 1;
    case 'K': wanted.key = value; return 1;
    case 'C': wanted.certificate = value; return 1;
    case 'A': wanted.authority = value; return 1;
    case 'E': wanted.peer = value; return 1;
    case 'X': wanted.cipher = value; return 1;
    case 'S': wanted.saml = value; return 1;
    case 'I': wanted.issuer_key = value; return 1;
    case 'J': wanted.issuer = value; return 1;
    default: return 0;
  }
}

int protection_wanted(void)
{
  return wanted.user || wanted.key || wanted.saml;
}

static X509 *certificate_of(const char *path)
{
  FILE *file = fopen(path, "r");
  X509 *certificate = file ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;
  if (file)
    fclose(file);
  return certificate;
}

static EVP_PKEY *key_of(const char *path)
{
  FILE *file = fopen(path, "r");
  EVP_PKEY *key = file ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;
  if (file)
    fclose(file);
  return key;
}

static int cipher(void)
{
  if (wanted.cipher && !strcmp(wanted.cipher, "gcm"))
    return SOAP_MEC_ENV_ENC_AES256_GCM | SOAP_MEC_OAEP;
  if (wanted.cipher && !strcmp(wanted.cipher, "oaep"))
    return SOAP_MEC_ENV_ENC_AES256_CBC | SOAP_MEC_OAEP;
  return SOAP_MEC_ENV_ENC_AES256_CBC;
}

int protection_start(struct soap *soap)
{
  if (!protection_wanted())
    return SOAP_OK;
  if (soap_register_plugin(soap, soap_wsse))
    return soap->error;
  if (wanted.issuer_key)
  {
    issuer_key = key_of(wanted.issuer_key);
    issuer = certificate_of(wanted.issuer);
  }
  else if (wanted.authority)
    soap->cafile = wanted.authority;
  if (wanted.saml)
    soap_set_imode(soap, SOAP_XML_DOM); /* which signatures are verified in */
  if (!wanted.key)
    return SOAP_OK;
  private_key = key_of(wanted.key);
  own = certificate_of(wanted.certificate);
  if (wanted.peer)
    peer = certificate_of(wanted.peer);
  if (!private_key || !own || (wanted.peer && !peer))
    return soap_set_receiver_error(soap, "The keys for messages cannot be read", NULL, SOAP_SSL_ERROR);
  soap_set_omode(soap, SOAP_XML_CANONICAL);
  return protection_resume(soap);
}

int protection_expect(struct soap *soap)
{
  return wanted.peer ? soap_wsse_decrypt_auto(soap, SOAP_MEC_ENV_DEC_AES256_CBC, private_key, 0) : SOAP_OK;
}

void protection_pause(struct soap *soap)
{
  if (wanted.key)
    soap_wsse_verify_done(soap);
}

int protection_resume(struct soap *soap)
{
  return wanted.key ? soap_wsse_verify_auto(soap, SOAP_SMD_NONE, NULL, 0) : SOAP_OK;
}

static int add_user(struct soap *soap)
{
  if (!strcmp(wanted.user, "digest"))
    return soap_wsse_add_UsernameTokenDigest(soap, "User", USER, PASSWORD);
  return soap_wsse_add_UsernameTokenText(soap, "User", USER, PASSWORD);
}

static int sign(struct soap *soap)
{
  if (soap_wsse_set_wsu_id(soap, SIGNED_HEADERS)
      || soap_wsse_add_BinarySecurityTokenX509(soap, "X509Token", own)
      || soap_wsse_add_KeyInfo_SecurityTokenReferenceX509(soap, "#X509Token"))
    return soap->error;
  if (wanted.peer && soap_wsse_add_EncryptedKey(soap, cipher(), "Cert", peer, NULL, NULL, NULL))
    return soap->error;
  return soap_wsse_sign_body(soap, SOAP_SMD_SIGN_RSA_SHA256, private_key, 0);
}

int protect_answer(struct soap *soap)
{
  if (!protection_wanted())
    return SOAP_OK;
  soap_wsse_delete_Security(soap);
  if (soap_wsse_add_Timestamp(soap, "Time", LIFETIME_SECONDS))
    return soap->error;
  return wanted.key ? sign(soap) : SOAP_OK;
}

int protect_request(struct soap *soap)
{
  if (protect_answer(soap) || protection_expect(soap))
    return soap->error;
  if (wanted.saml && assertion_add(soap, wanted.saml, issuer_key, issuer))
    return soap->error;
  return wanted.user ? add_user(soap) : SOAP_OK;
}

/* The signature, which was verified when the message ended, covers the Body, the Timestamp, and the headers that steer. */
static int prove_signed(struct soap *soap)
{
  const struct SOAP_ENV__Header *header = soap->header;
  /* The DOM of SOAP 1.1 has the namespace of the table's first row, where soap_wsse_verify_body() does not look for it. */
  if (!soap->dom || soap_wsse_verify_element(soap, soap->dom->nstr, "Body") != 1)
    return soap_wsse_sender_fault(soap, "The Body is not signed", NULL);
  if (!soap_wsse_verify_element(soap, SOAP_NAMESPACE_OF_wsu, "Timestamp")
      || !soap_wsse_verify_element(soap, SOAP_NAMESPACE_OF_wsa5, "Action")
      || (header->wsa5__MessageID && !soap_wsse_verify_element(soap, SOAP_NAMESPACE_OF_wsa5, "MessageID"))
      || (header->wsrm__Sequence && !soap_wsse_verify_element(soap, SOAP_NAMESPACE_OF_wsrm, "Sequence"))
      || (header->wsrm__SequenceAcknowledgement
          && !soap_wsse_verify_element(soap, SOAP_NAMESPACE_OF_wsrm, "SequenceAcknowledgement")))
    return soap_wsse_sender_fault(soap, "A header is not signed", NULL);
  return SOAP_OK;
}

int prove_answer(struct soap *soap)
{
  if (!protection_wanted())
    return SOAP_OK;
  if (!soap->header || !soap_wsse_Timestamp(soap))
    return soap_wsse_sender_fault(soap, "There is no Timestamp", NULL);
  if (soap_wsse_verify_Timestamp(soap))
    return soap->error;
  return wanted.key ? prove_signed(soap) : SOAP_OK;
}

int prove_request(struct soap *soap)
{
  const char *user;
  if (prove_answer(soap) || (wanted.saml && assertion_prove(soap, wanted.saml)) || !wanted.user)
    return soap->error;
  user = soap_wsse_get_Username(soap);
  if (!user || strcmp(user, USER))
    return soap_wsse_fault(soap, wsse__FailedAuthentication, NULL);
  return soap_wsse_verify_Password(soap, PASSWORD);
}
