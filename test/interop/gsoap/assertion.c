/* SAML assertions as wsseapi has them: made here as their issuer would, and read as a service does. */
#include "protection.h"

#include "wsseapi.h"

enum { LIFETIME_SECONDS = 300 };

static const char ISSUER[] = "urn:surewire:interop:issuer";
static const char AUDIENCE[] = "urn:surewire:interop:service";
static const char SUBJECT[] = "alice";
static const char BEARER_11[] = "urn:oasis:names:tc:SAML:1.0:cm:bearer";
static const char BEARER_20[] = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
static const char VOUCHED_20[] = "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches";
static const char STATED[] = "urn:oasis:names:tc:SAML:1.0:am:unspecified";

/* A struct of the generated code with its default values, in the memory of `soap`. */
#define NEW(soap, type, name) \
  struct type *name = soap_malloc(soap, sizeof(struct type)); \
  soap_default_##type(soap, name)

static struct timeval *time_in(struct soap *soap, int seconds)
{
  struct timeval *at = soap_malloc(soap, sizeof *at);
  at->tv_sec = time(NULL) + seconds;
  at->tv_usec = 0;
  return at;
}

static char **list_of(struct soap *soap, const char *item)
{
  char **list = soap_malloc(soap, sizeof *list);
  *list = soap_strdup(soap, item);
  return list;
}

static int add_saml20(struct soap *soap, EVP_PKEY *key, X509 *certificate)
{
  saml2__AssertionType *assertion = soap_wsse_add_saml2(soap, key ? NULL : "Assertion");
  NEW(soap, saml2__NameIDType, issuer);
  NEW(soap, saml2__NameIDType, name);
  NEW(soap, saml2__SubjectType, subject);
  NEW(soap, saml2__SubjectConfirmationType, confirmation);
  NEW(soap, saml2__ConditionsType, conditions);
  NEW(soap, __saml2__union_ConditionsType, condition);
  NEW(soap, saml2__AudienceRestrictionType, audience);
  issuer->__item = soap_strdup(soap, ISSUER);
  name->__item = soap_strdup(soap, SUBJECT);
  confirmation->Method = soap_strdup(soap, key ? BEARER_20 : VOUCHED_20);
  subject->saml2__NameID = name;
  subject->__sizeSubjectConfirmation = 1;
  subject->saml2__SubjectConfirmation = confirmation;
  audience->__sizeAudience = 1;
  audience->saml2__Audience = list_of(soap, AUDIENCE);
  condition->saml2__AudienceRestriction = audience;
  conditions->__size_ConditionsType = 1;
  conditions->__union_ConditionsType = condition;
  conditions->NotBefore = time_in(soap, 0);
  conditions->NotOnOrAfter = time_in(soap, LIFETIME_SECONDS);
  assertion->IssueInstant = *time_in(soap, 0);
  assertion->saml2__Issuer = issuer;
  assertion->saml2__Subject = subject;
  assertion->saml2__Conditions = conditions;
  assertion->ID = soap_strdup(soap, soap_rand_uuid(soap, "_"));
  /* Without a key of its issuer the sender vouches for it: the signature of the message covers it, by its wsu:Id. */
  if (key && soap_wsse_sign_saml2(soap, assertion, SOAP_SMD_SIGN_RSA_SHA256, key, 0, certificate))
    return soap->error;
  soap_wsse_Security(soap)->saml2__Assertion = assertion;
  return SOAP_OK;
}

static int add_saml11(struct soap *soap, EVP_PKEY *key, X509 *certificate)
{
  saml1__AssertionType *assertion = soap_wsse_add_saml1(soap, NULL);
  NEW(soap, saml1__NameIdentifierType, name);
  NEW(soap, saml1__SubjectType, subject);
  NEW(soap, saml1__SubjectConfirmationType, confirmation);
  NEW(soap, saml1__AuthenticationStatementType, stated);
  NEW(soap, __saml1__union_AssertionType, statement);
  NEW(soap, saml1__ConditionsType, conditions);
  NEW(soap, __saml1__union_ConditionsType, condition);
  NEW(soap, saml1__AudienceRestrictionConditionType, audience);
  name->__item = soap_strdup(soap, SUBJECT);
  confirmation->__sizeConfirmationMethod = 1;
  confirmation->saml1__ConfirmationMethod = list_of(soap, BEARER_11);
  subject->saml1__NameIdentifier = name;
  subject->saml1__SubjectConfirmation = confirmation;
  stated->saml1__Subject = subject;
  stated->AuthenticationMethod = soap_strdup(soap, STATED);
  stated->AuthenticationInstant = *time_in(soap, 0);
  statement->saml1__AuthenticationStatement = stated;
  audience->__sizeAudience = 1;
  audience->saml1__Audience = list_of(soap, AUDIENCE);
  condition->saml1__AudienceRestrictionCondition = audience;
  conditions->__size_ConditionsType = 1;
  conditions->__union_ConditionsType = condition;
  conditions->NotBefore = time_in(soap, 0);
  conditions->NotOnOrAfter = time_in(soap, LIFETIME_SECONDS);
  assertion->MinorVersion = "1"; /* soap_wsse_add_saml1() says 0 */
  assertion->Issuer = soap_strdup(soap, ISSUER);
  assertion->IssueInstant = *time_in(soap, 0);
  assertion->saml1__Conditions = conditions;
  assertion->__size_AssertionType = 1;
  assertion->__union_AssertionType = statement;
  if (soap_wsse_sign_saml1(soap, assertion, SOAP_SMD_SIGN_RSA_SHA256, key, 0, certificate))
    return soap->error;
  soap_wsse_Security(soap)->saml1__Assertion = assertion;
  return SOAP_OK;
}

/* wsseapi leaves it to its caller to put the assertion into the header, and its signature in the header besides. */
int assertion_add(struct soap *soap, const char *version, EVP_PKEY *key, X509 *certificate)
{
  if (strcmp(version, "saml20") ? add_saml11(soap, key, certificate) : add_saml20(soap, key, certificate))
    return soap->error;
  if (key)
    soap_wsse_delete_Signature(soap);
  return SOAP_OK;
}

static int timely(const struct timeval *from, const struct timeval *until)
{
  time_t now = time(NULL);
  return from && until && from->tv_sec <= now + LIFETIME_SECONDS && now < until->tv_sec;
}

static int is(const char *text, const char *wanted)
{
  return text && !strcmp(text, wanted);
}

/* Whether a signature, whose references were or will be verified, has one to this id. */
static int refers(const struct ds__SignatureType *signature, const char *id)
{
  const struct ds__SignedInfoType *info = signature ? signature->SignedInfo : NULL;
  int at;
  for (at = 0; id && info && at < info->__sizeReference; at++)
  {
    const char *uri = info->Reference[at]->URI;
    if (uri && *uri == '#' && !strcmp(uri + 1, id))
      return 1;
  }
  return 0;
}

/*
 * An issuer's signature is verified in what was received: soap_wsse_verify_saml1() and 2() write the assertion anew in words of
 * their own, and digest that. Where there is none, the sender vouches: the signature of the message, which was verified when the
 * message ended, covers the assertion (soap_wsse_verify_element() does not know its ID).
 */
static int prove_signature(struct soap *soap, struct ds__SignatureType *signature, const char *id)
{
  if (!refers(signature ? signature : soap_wsse_Signature(soap), id))
    return soap_wsse_fault(soap, wsse__FailedCheck, "The assertion is not signed");
  return signature ? soap_wsse_verify_with_signature(soap, signature) : SOAP_OK;
}

static int prove_saml20(struct soap *soap)
{
  saml2__AssertionType *assertion = soap_wsse_get_saml2(soap);
  const struct saml2__ConditionsType *conditions = assertion ? assertion->saml2__Conditions : NULL;
  const struct saml2__AudienceRestrictionType *audience =
      conditions && conditions->__size_ConditionsType ? conditions->__union_ConditionsType->saml2__AudienceRestriction : NULL;
  if (!audience || !audience->__sizeAudience || !is(audience->saml2__Audience[0], AUDIENCE)
      || !timely(conditions->NotBefore, conditions->NotOnOrAfter)
      || !assertion->saml2__Issuer || !is(assertion->saml2__Issuer->__item, ISSUER)
      || !assertion->saml2__Subject || !assertion->saml2__Subject->saml2__NameID
      || !is(assertion->saml2__Subject->saml2__NameID->__item, SUBJECT))
    return soap_wsse_fault(soap, wsse__FailedAuthentication, "No SAML 2.0 assertion for this service");
  return prove_signature(soap, assertion->ds__Signature, assertion->ID);
}

static int prove_saml11(struct soap *soap)
{
  saml1__AssertionType *assertion = soap_wsse_get_saml1(soap);
  const struct saml1__ConditionsType *conditions = assertion ? assertion->saml1__Conditions : NULL;
  const struct saml1__AudienceRestrictionConditionType *audience = conditions && conditions->__size_ConditionsType
      ? conditions->__union_ConditionsType->saml1__AudienceRestrictionCondition
      : NULL;
  if (!audience || !audience->__sizeAudience || !is(audience->saml1__Audience[0], AUDIENCE)
      || !timely(conditions->NotBefore, conditions->NotOnOrAfter) || !is(assertion->Issuer, ISSUER))
    return soap_wsse_fault(soap, wsse__FailedAuthentication, "No SAML 1.1 assertion for this service");
  return prove_signature(soap, assertion->ds__Signature, assertion->AssertionID);
}

int assertion_prove(struct soap *soap, const char *version)
{
  return strcmp(version, "saml20") ? prove_saml11(soap) : prove_saml20(soap);
}
