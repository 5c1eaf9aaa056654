/* What server.c and client.c share: the RM version that was built in, and JSON lines on standard output. */
#ifndef PEER_H
#define PEER_H

#include "wsrmapi.h"

#ifdef SOAP_WSRM_2005
#define RM_VERSION "1.0"
#else
#define RM_VERSION "1.1"
#endif

#define ECHO_ACTION "urn:surewire:interop/echo"
#define ECHO_RESPONSE_ACTION "urn:surewire:interop/echoResponse"
#define NOTIFY_ACTION "urn:surewire:interop/notify"

/* A context with both plugins and finite times; `flags` are the input and output modes. */
struct soap *peer_new(soap_mode flags);

/* Makes the context write SOAP 1.1; reading follows the peer in any case. */
void peer_write_soap11(struct soap *soap);

/* A fresh urn:uuid in the memory of `soap`. */
const char *peer_id(struct soap *soap);

/* Prints `{"event":"<event>", ... }` as one line. `format` is printf's and gives the other members with a leading
   comma; `text`, when not NULL, becomes members "length", "digest" (FNV-1a, 32 bits) and "text" (its first 60 bytes). */
void peer_say(const char *event, const char *text, const char *format, ...);

/* Prints the failure of the last call as an event "error". */
void peer_fail(struct soap *soap, const char *where);

#endif
