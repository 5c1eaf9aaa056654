/*
 * The service that both gSOAP peers speak, as input for soapcpp2: document/literal, one request-reply operation and one
 * one-way operation. "rm.h" is written by build.ts and imports the WS-ReliableMessaging version that is being built.
 */
#import "soap12.h"
#import "rm.h"
#import "wsse.h"

//gsoap io service name: interop
//gsoap io service namespace: urn:surewire:interop
//gsoap io service style: document
//gsoap io service encoding: literal
//gsoap io schema namespace: urn:surewire:interop
//gsoap io schema elementForm: qualified

//gsoap io service method-action: echo urn:surewire:interop/echo
//gsoap io service method-output-action: echo urn:surewire:interop/echoResponse
int io__echo(char *text, struct io__echoResponse { char *text; } *result);

//gsoap io service method-action: notify urn:surewire:interop/notify
int io__notify(char *text, void);
