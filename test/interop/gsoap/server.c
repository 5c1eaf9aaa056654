/*
 * gSOAP as RM destination: answers echo and notify, prints one JSON line for each operation it executed.
 *
 *   server [-p port] [-k] [-w] [-t key-and-certificate.pem] [-s seconds to live] [options of protection.h]
 *
 * Listens on 127.0.0.1 (port 0: a free one, told in the event "listening"); ends on SIGTERM or when its time is over.
 * -k keeps connections alive, with a thread for each; without it they are served one after the other,
 * as protected messages have to be: wsseapi gives each thread a plugin that verifies nothing.
 * -w serves without a reliable session: each message stands for itself.
 *
 * Two things to know of wsrmapi: it answers a one-way message before it has looked at it, so that with threads the next
 * one, on another connection, may be found out of order and dropped although the peer waited for the answer. And under
 * RM 1.0 it answers LastMessage, then tries to send one of its own to nowhere and, with -k, reads the peer's next request
 * on that connection as the response to it, so that TerminateSequence is never answered.
 */
#include "protection.h"

#include <signal.h>

static volatile sig_atomic_t stopped = 0;

static void stop(int signal_number)
{
  (void)signal_number;
  stopped = 1;
}

static int reliable = 1;

static void say_executed(struct soap *soap, const char *event, const char *text)
{
  static unsigned long long count = 0; /* without threads */
  unsigned long long number = reliable ? (unsigned long long)soap->header->wsrm__Sequence->MessageNumber : ++count;
  peer_say(event, text ? text : "", ",\"number\":%llu", number);
}

int io__echo(struct soap *soap, char *text, struct io__echoResponse *result)
{
  if (prove_request(soap) || (reliable ? soap_wsrm_check(soap) : soap_wsa_check(soap)))
    return soap->error;
  say_executed(soap, "echo", text);
  if (text && !strcmp(text, "fault"))
  {
    int fault = reliable ? soap_wsrm_sender_fault(soap, "You asked for a fault", NULL)
                         : soap_wsa_sender_fault(soap, "You asked for a fault", NULL);
    return protect_answer(soap) ? soap->error : (soap->error = fault);
  }
  result->text = text;
  if (reliable ? soap_wsrm_reply_request_acks(soap, peer_id(soap), ECHO_RESPONSE_ACTION)
               : soap_wsa_reply(soap, peer_id(soap), ECHO_RESPONSE_ACTION))
    return soap->error;
  return protect_answer(soap);
}

int io__notify(struct soap *soap, char *text)
{
  if (prove_request(soap))
    return soap->error;
  if (!reliable)
    soap_send_empty_response(soap, 202), soap->error = SOAP_OK; /* it says SOAP_STOP */
  else if (soap_wsrm_check_send_empty_response(soap))
    return soap->error;
  say_executed(soap, "notify", text);
  return SOAP_OK;
}

/*
 * The operations of WS-ReliableMessaging are wsrmapi's own and know nothing of wsseapi: the linker (--wrap) puts these
 * before them, so that a message is proved before wsrmapi sees it, and its answer protected like any other.
 */
int __real___wsrm__CreateSequence(struct soap *, struct wsrm__CreateSequenceType *, struct wsrm__CreateSequenceResponseType *);

int __wrap___wsrm__CreateSequence(struct soap *soap, struct wsrm__CreateSequenceType *request,
    struct wsrm__CreateSequenceResponseType *answer)
{
  return prove_request(soap) || __real___wsrm__CreateSequence(soap, request, answer) ? soap->error : protect_answer(soap);
}

#ifdef SOAP_WSRM_2007
int __real___wsrm__CloseSequence(struct soap *, struct wsrm__CloseSequenceType *, struct wsrm__CloseSequenceResponseType *);

int __wrap___wsrm__CloseSequence(struct soap *soap, struct wsrm__CloseSequenceType *request,
    struct wsrm__CloseSequenceResponseType *answer)
{
  return prove_request(soap) || __real___wsrm__CloseSequence(soap, request, answer) ? soap->error : protect_answer(soap);
}
#else
int __real___wsrm__LastMessage(struct soap *);

int __wrap___wsrm__LastMessage(struct soap *soap)
{
  return prove_request(soap) ? soap->error : __real___wsrm__LastMessage(soap);
}
#endif

int __real___wsrm__TerminateSequence(struct soap *, struct wsrm__TerminateSequenceType *, struct wsrm__TerminateSequenceResponseType *);

int __wrap___wsrm__TerminateSequence(struct soap *soap, struct wsrm__TerminateSequenceType *request, struct wsrm__TerminateSequenceResponseType *answer)
{
  return prove_request(soap) || __real___wsrm__TerminateSequence(soap, request, answer) ? soap->error : protect_answer(soap);
}

/* A fault that a peer sends as a message of its own. */
int SOAP_ENV__Fault(struct soap *soap, char *faultcode, char *faultstring, char *faultactor,
    struct SOAP_ENV__Detail *detail, struct SOAP_ENV__Code *code, struct SOAP_ENV__Reason *reason, char *node,
    char *role, struct SOAP_ENV__Detail *Detail)
{
  (void)faultcode, (void)faultactor, (void)detail, (void)code, (void)node, (void)role, (void)Detail;
  peer_say("fault", faultstring ? faultstring : reason ? reason->SOAP_ENV__Text : "", "");
  return soap_send_empty_response(soap, 202);
}

static void serve(struct soap *soap)
{
  if ((soap->ctx && soap_ssl_accept(soap)) || protection_expect(soap) || soap_serve(soap))
    peer_fail(soap, "serve");
  soap_destroy(soap);
  soap_end(soap);
}

static void *serve_thread(void *context)
{
  struct soap *soap = context;
  pthread_detach(pthread_self());
  serve(soap);
  soap_free(soap);
  return NULL;
}

static int port_of(struct soap *soap)
{
  struct sockaddr_in address;
  socklen_t length = sizeof address;
  if (getsockname(soap->master, (struct sockaddr *)&address, &length))
    return 0;
  return ntohs(address.sin_port);
}

int main(int argc, char **argv)
{
  int port = 0, option;
  soap_mode flags = SOAP_C_UTFSTRING;
  unsigned seconds = 120;
  const char *identity = NULL;
  struct soap *soap;
  while ((option = getopt(argc, argv, "p:kwt:s:" PROTECTION_OPTIONS)) != -1)
    switch (option)
    {
      case 'p': port = atoi(optarg); break;
      case 'k': flags |= SOAP_IO_KEEPALIVE; break;
      case 't': identity = optarg; break;
      case 's': seconds = (unsigned)atoi(optarg); break;
      case 'w': reliable = 0; break;
      default:
        if (!protection_option(option, optarg))
          return 2;
    }
  soap = peer_new(flags);
  signal(SIGTERM, stop);
  signal(SIGINT, stop);
  signal(SIGALRM, stop);
  alarm(seconds);
  soap->bind_flags = SO_REUSEADDR;
  soap->accept_timeout = -100000; /* 0.1 s: how soon a signal is heeded */
  if (identity && soap_ssl_server_context(soap, SOAP_SSL_DEFAULT, identity, NULL, NULL, NULL, NULL, NULL, NULL))
    return peer_fail(soap, "identity"), 1;
  if (protection_start(soap))
    return peer_fail(soap, "protection"), 1;
  if (!soap_valid_socket(soap_bind(soap, "127.0.0.1", port, 100)))
    return peer_fail(soap, "bind"), 1;
  peer_say("listening", NULL, ",\"port\":%d,\"rm\":\"" RM_VERSION "\",\"tls\":%s", port_of(soap), identity ? "true" : "false");
  while (!stopped)
  {
    pthread_t thread;
    struct soap *copy;
    if (!soap_valid_socket(soap_accept(soap)))
    {
      if (soap->errnum && !stopped)
        return peer_fail(soap, "accept"), 1;
      continue;
    }
    if (!(flags & SOAP_IO_KEEPALIVE))
      serve(soap);
    else if (!(copy = soap_copy(soap)) || pthread_create(&thread, NULL, serve_thread, copy))
      return peer_fail(soap, "thread"), 1;
  }
  soap_wsrm_dump(soap, stderr);
  peer_say("stopped", NULL, "");
  fflush(stdout);
  _exit(0); /* threads may still hold connections */
}
