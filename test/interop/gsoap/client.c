/*
 * gSOAP as RM source: opens a sequence, sends messages on it, closes and terminates it; prints JSON lines.
 *
 *   client [options] URL
 *     -o echo|notify   the operation (echo)
 *     -n count         messages on a sequence (5)
 *     -z bytes         size of each text (its number and a fill) (20)
 *     -q sequences     how many sequences, one after the other, in this process (1)
 *     -f               make no Offer
 *     -m               give CreateSequence, CloseSequence and TerminateSequence a MessageID (gSOAP's habit is none)
 *     -x               terminate without closing first
 *     -e               the second text asks the service for a fault, which has to come
 *     -r retries       of a message whose exchange failed, and rounds of resending after the close (0)
 *     -1               SOAP 1.1 instead of 1.2
 *     -a ca.pem        trust for https
 *     -s seconds       to live (60)
 *     -w               without a reliable session: each message stands for itself
 *     and those of protection.h
 *
 * Exit code 0: every message was answered as expected and, in a session, every message is acknowledged; 1: not; 2: wrong options.
 */
#include "protection.h"

struct settings
{
  const char *to, *trust;
  int echo, count, sequences, offer, ids, close, retries, soap11, alone, fault;
  size_t size;
  unsigned seconds;
};

struct tally
{
  int sent, replies, wrong;
};

#define ASKS_FOR_FAULT "fault"

static char *text_of(struct soap *soap, const struct settings *with, int sequence, int number)
{
  if (with->fault && number == 2)
    return soap_strdup(soap, ASKS_FOR_FAULT);
  char head[40];
  size_t length = (size_t)snprintf(head, sizeof head, "message %d of %d ", number, sequence);
  size_t size = with->size > length ? with->size : length;
  char *text = soap_malloc(soap, size + 1);
  memset(text, 'x', size);
  memcpy(text, head, length);
  text[size] = '\0';
  return text;
}

/* Messages of the application that no acknowledgement covers yet (RM 1.0's LastMessage, number count + 1, is not one). */
static int unacknowledged(soap_wsrm_sequence_handle sequence, int count)
{
  int open = 0;
  const struct soap_wsrm_message *message;
  for (message = sequence->messages; message; message = message->next)
    open += message->num <= (ULONG64)count;
  return open;
}

/* The fault that the service was asked for is its answer. */
static int is_wanted(struct soap *soap, const char *text)
{
  const char *reason = soap->fault ? soap_fault_string(soap) : NULL;
  return !strcmp(text, ASKS_FOR_FAULT) && reason && !strcmp(reason, "You asked for a fault");
}

static int echo(struct soap *soap, const char *to, char *text, struct tally *tally)
{
  struct io__echoResponse reply;
  if (soap_call_io__echo(soap, to, ECHO_ACTION, text, &reply) || prove_answer(soap))
  {
    if (!is_wanted(soap, text))
      return soap->error;
    return soap->error = SOAP_OK;
  }
  tally->replies++;
  tally->wrong += !reply.text || strcmp(reply.text, text);
  return SOAP_OK;
}

/* A one-way message is answered by an empty 202, or by 200 with an acknowledgement and an empty body: both are read. */
static int notify(struct soap *soap, const char *to, char *text)
{
  struct __wsrm__SequenceAcknowledgement nothing;
  if (soap_send_io__notify(soap, to, NOTIFY_ACTION, text))
    return soap->error;
  if (!soap_recv___wsrm__SequenceAcknowledgement(soap, &nothing))
    return prove_answer(soap);
  if (soap->error != 202 && soap->error != SOAP_NO_DATA && soap->error != SOAP_NO_TAG)
    return soap->error;
  return soap->error = SOAP_OK;
}

static int request(struct soap *soap, soap_wsrm_sequence_handle sequence, const char *id, const char *action,
    ULONG64 number)
{
  if (number > soap_wsrm_num(sequence) ? soap_wsrm_request_acks(soap, sequence, id, action)
                                       : soap_wsrm_request_num(soap, sequence, id, action, number))
    return soap->error;
  return protect_request(soap);
}

/* Numbers and sends one message. soap_wsrm_check_retry() helps only when nothing was sent, and soap_wsrm_resend() does not
   read the answer; so a message whose exchange broke is sent again under the same number and MessageID. */
static int send_one(struct soap *soap, const struct settings *with, soap_wsrm_sequence_handle sequence, char *text,
    struct tally *tally)
{
  const char *action = with->echo ? ECHO_ACTION : NOTIFY_ACTION;
  const char *id = peer_id(soap);
  const ULONG64 number = soap_wsrm_num(sequence) + 1;
  int left = with->retries;
  for (;;)
  {
    if (request(soap, sequence, id, action, number))
      return soap->error;
    if (!(with->echo ? echo(soap, soap_wsrm_to(sequence), text, tally) : notify(soap, soap_wsrm_to(sequence), text)))
      break;
    peer_fail(soap, "send");
    if (left-- <= 0)
      return soap->error;
  }
  tally->sent++;
  return SOAP_OK;
}

static int open_sequence(struct soap *soap, const struct settings *with, soap_wsrm_sequence_handle *sequence)
{
  const char *id = with->ids ? peer_id(soap) : NULL;
  const LONG64 expires = 600000; /* ms */
  if (protect_request(soap))
    return soap->error;
  return with->offer ? soap_wsrm_create_offer(soap, with->to, NULL, NULL, expires, NoDiscard, id, sequence)
                     : soap_wsrm_create(soap, with->to, NULL, expires, id, sequence);
}

/* RM 1.0 closes with LastMessage: wsrmapi passes over what answers it without reading, and wsseapi would look there for a
   signature that nobody read. */
static int send_close(struct soap *soap, const struct settings *with, soap_wsrm_sequence_handle sequence)
{
  int failed;
#ifdef SOAP_WSRM_2005
  protection_pause(soap);
#endif
  if (protect_request(soap))
    return soap->error;
  failed = soap_wsrm_close(soap, sequence, with->ids ? peer_id(soap) : NULL);
#ifdef SOAP_WSRM_2007
  return failed ? soap->error : prove_answer(soap);
#else
  return failed ? soap->error : protection_resume(soap);
#endif
}

static int close_sequence(struct soap *soap, const struct settings *with, soap_wsrm_sequence_handle sequence)
{
  int left = with->retries;
  if (send_close(soap, with, sequence))
    return soap->error;
  while (unacknowledged(sequence, with->count) && left-- > 0)
  {
    peer_say("resend", NULL, ",\"open\":%d", unacknowledged(sequence, with->count));
    if (soap_wsrm_resend(soap, sequence, 0, (ULONG64)with->count)
#ifdef SOAP_WSRM_2007 /* gSOAP does not read the answers to what it resends: closing again fetches the acknowledgement */
        || send_close(soap, with, sequence)
#endif
    )
      return soap->error;
  }
  return SOAP_OK;
}

static int terminate_sequence(struct soap *soap, const struct settings *with, soap_wsrm_sequence_handle sequence)
{
  if (protect_request(soap))
    return soap->error;
  if (soap_wsrm_terminate(soap, sequence, with->ids ? peer_id(soap) : NULL) == SOAP_OK)
    return SOAP_OK;
#ifdef SOAP_WSRM_2005
  /* wsrmapi compares the answer, which in RM 1.0 is a TerminateSequence of the *offered* sequence, with the identifier of
     its own: an error of its own making, which it also notes in the sequence. A fault of the peer is not noted. */
  if (sequence->fault == wsrm__UnknownSequence)
    return soap->error = SOAP_OK;
#endif
  return soap->error;
}

static int run_sequence(struct soap *soap, const struct settings *with, int index)
{
  soap_wsrm_sequence_handle sequence = NULL;
  struct tally tally = { 0, 0, 0 };
  ULONG64 received;
  const char *failed = NULL;
  int number, open, ok;
  if (open_sequence(soap, with, &sequence) || prove_answer(soap))
    return peer_fail(soap, "create"), 1;
  peer_say("created", NULL, ",\"sequence\":\"%s\"", sequence->id);
  for (number = 1; number <= with->count && !failed; number++)
  {
    char *text = text_of(soap, with, index, number);
    if (send_one(soap, with, sequence, text, &tally))
      failed = "send";
    else
      peer_say(strcmp(text, ASKS_FOR_FAULT) ? "sent" : "asked", text, ",\"number\":%d,\"open\":%d", number,
          unacknowledged(sequence, with->count));
  }
  if (!failed && with->close && close_sequence(soap, with, sequence))
    failed = "close";
  received = soap_wsrm_msgs(sequence);
  if (!failed && terminate_sequence(soap, with, sequence))
    failed = "terminate";
  if (failed)
    peer_fail(soap, failed);
  open = unacknowledged(sequence, with->count);
  ok = !failed && !tally.wrong && !open && tally.sent == with->count && tally.replies == (with->echo ? with->count - with->fault : 0)
    && (!with->close || received == (with->echo && with->offer ? (ULONG64)with->count : 0));
  peer_say("done", NULL, ",\"sent\":%d,\"replies\":%d,\"wrong\":%d,\"received\":%llu,\"unacknowledged\":%d,\"ok\":%s",
      tally.sent, tally.replies, tally.wrong, (unsigned long long)received, open, ok ? "true" : "false");
  soap_wsrm_dump(soap, stderr);
  soap_wsrm_seq_free(soap, sequence);
  return !ok;
}

/* Messages without a session. */
static int run_alone(struct soap *soap, const struct settings *with)
{
  struct tally tally = { 0, 0, 0 };
  int number;
  for (number = 1; number <= with->count; number++)
  {
    char *text = text_of(soap, with, 1, number);
    const char *action = with->echo ? ECHO_ACTION : NOTIFY_ACTION;
    if (soap_wsa_request(soap, peer_id(soap), with->to, action) || protect_request(soap)
        || (with->echo ? echo(soap, with->to, text, &tally) : notify(soap, with->to, text)))
      return peer_fail(soap, "send"), 1;
    tally.sent++;
    peer_say("sent", text, ",\"number\":%d", number);
  }
  peer_say("done", NULL, ",\"sent\":%d,\"replies\":%d,\"wrong\":%d", tally.sent, tally.replies, tally.wrong);
  return tally.wrong || tally.replies != (with->echo ? with->count : 0);
}

static int read_options(int argc, char **argv, struct settings *with)
{
  int option;
  while ((option = getopt(argc, argv, "o:n:z:q:fmxer:1a:s:w" PROTECTION_OPTIONS)) != -1)
    switch (option)
    {
      case 'o': with->echo = !strcmp(optarg, "echo"); break;
      case 'n': with->count = atoi(optarg); break;
      case 'z': with->size = (size_t)atol(optarg); break;
      case 'q': with->sequences = atoi(optarg); break;
      case 'f': with->offer = 0; break;
      case 'm': with->ids = 1; break;
      case 'x': with->close = 0; break;
      case 'e': with->fault = 1; break;
      case 'r': with->retries = atoi(optarg); break;
      case '1': with->soap11 = 1; break;
      case 'a': with->trust = optarg; break;
      case 's': with->seconds = (unsigned)atoi(optarg); break;
      case 'w': with->alone = 1; break;
      default:
        if (!protection_option(option, optarg))
          return 2;
    }
  with->to = argv[optind];
  return with->to ? 0 : 2;
}

int main(int argc, char **argv)
{
  struct settings with = { NULL, NULL, 1, 5, 1, 1, 0, 1, 0, 0, 0, 0, 20, 60 };
  struct soap *soap;
  int index, failures = 0;
  if (read_options(argc, argv, &with))
    return fprintf(stderr, "client: wrong options, see the head of client.c\n"), 2;
  alarm(with.seconds);
  soap = peer_new(SOAP_IO_KEEPALIVE | SOAP_C_UTFSTRING);
  if (with.soap11)
    peer_write_soap11(soap);
  if (with.trust && soap_ssl_client_context(soap, SOAP_SSL_DEFAULT, NULL, NULL, with.trust, NULL, NULL))
    return peer_fail(soap, "trust"), 1;
  if (protection_start(soap))
    return peer_fail(soap, "protection"), 1;
  if (with.alone)
    failures += run_alone(soap, &with);
  else
    for (index = 1; index <= with.sequences; index++)
      failures += run_sequence(soap, &with, index);
  soap_destroy(soap);
  soap_end(soap);
  soap_free(soap);
  return failures ? 1 : 0;
}
