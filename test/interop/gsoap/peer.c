#include "peer.h"

#include <signal.h>
#include <stdarg.h>
#include <stdint.h>

#include "interop.nsmap"

enum { TIMEOUT_SECONDS = 10, SHOWN_BYTES = 60 };

struct soap *peer_new(soap_mode flags)
{
  struct soap *soap = soap_new1(flags);
  soap_register_plugin(soap, soap_wsa);
  soap_register_plugin(soap, soap_wsrm);
  soap->connect_timeout = soap->send_timeout = soap->recv_timeout = TIMEOUT_SECONDS;
  soap->max_keep_alive = 10000;
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  return soap;
}

void peer_write_soap11(struct soap *soap)
{
  static struct Namespace table[sizeof namespaces / sizeof *namespaces];
  memcpy(table, namespaces, sizeof table);
  table[0].ns = "http://schemas.xmlsoap.org/soap/envelope/";
  table[1].ns = "http://schemas.xmlsoap.org/soap/encoding/";
  soap_set_namespaces(soap, table);
}

const char *peer_id(struct soap *soap)
{
  return soap_strdup(soap, soap_wsa_rand_uuid(soap));
}

static void put_text(const char *text, size_t limit)
{
  putchar('"');
  for (; *text && limit; text++, limit--)
  {
    unsigned char c = (unsigned char)*text;
    if (c == '"' || c == '\\')
      printf("\\%c", c);
    else if (c < 0x20)
      printf("\\u%04x", c);
    else
      putchar(c);
  }
  putchar('"');
}

static uint32_t digest(const char *text)
{
  uint32_t hash = 2166136261u;
  for (; *text; text++)
    hash = (hash ^ (unsigned char)*text) * 16777619u;
  return hash;
}

void peer_say(const char *event, const char *text, const char *format, ...)
{
  va_list arguments;
  flockfile(stdout); /* threads of the server must not mix their lines */
  printf("{\"event\":\"%s\"", event);
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  if (text)
  {
    printf(",\"length\":%zu,\"digest\":%u,\"text\":", strlen(text), (unsigned)digest(text));
    put_text(text, SHOWN_BYTES);
  }
  puts("}");
  funlockfile(stdout);
}

void peer_fail(struct soap *soap, const char *where)
{
  const char *reason = soap->fault ? soap_fault_string(soap) : NULL;
  const char *subcode = soap->fault ? soap_fault_subcode(soap) : NULL;
  flockfile(stdout);
  printf("{\"event\":\"error\",\"where\":\"%s\",\"code\":%d,\"status\":%d,\"subcode\":", where, soap->error, soap->status);
  put_text(subcode ? subcode : "", 200);
  printf(",\"reason\":");
  put_text(reason ? reason : "", 400);
  puts("}");
  funlockfile(stdout);
  soap_print_fault(soap, stderr);
}
