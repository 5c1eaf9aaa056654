"""zeep as a client of a secured endpoint: one call of `echo` for each line on standard input, a JSON object a line.

{"id":1,"url":…,"wsdl":…,"soap":"1.1"|"1.2","ca":file,"user":…,"password":…,"digest":bool,"key":file,"certificate":file,
 "peer":file,"form":"binary"|"x509data","text":…}  → {"event":"answered","id":1,"text":…} or {"event":"refused","id":1,"why":…}

A signature is RSA-SHA256 over Body and Timestamp; with "peer" the answer has to be signed with that certificate.
"""
import json
import sys
import datetime

import requests
import xmlsec
import zeep
from zeep.wsse.compose import Compose
from zeep.wsse.signature import BinarySignature, Signature, verify_envelope
from zeep.wsse.username import UsernameToken
from zeep.wsse.utils import WSU, get_security_header

SERVICE = "{urn:surewire:interop}"


def say(event, **members):
    print(json.dumps({"event": event, **members}), flush=True)


def timestamp():
    now = datetime.datetime.utcnow().replace(microsecond=0)
    later = now + datetime.timedelta(minutes=5)
    return WSU.Timestamp(WSU.Created(now.isoformat() + "Z"), WSU.Expires(later.isoformat() + "Z"))


class Stamp:
    """The Timestamp, which zeep signs where there is one."""

    def apply(self, envelope, headers):
        get_security_header(envelope).append(timestamp())
        return envelope, headers

    def verify(self, envelope):
        return envelope


def signature(asked):
    """zeep verifies answers with the certificate that it signs with; a service has another."""
    kind = BinarySignature if asked.get("form", "binary") == "binary" else Signature

    class Mutual(kind):
        def verify(self, envelope):
            if "peer" in asked:
                verify_envelope(envelope, asked["peer"])
            return envelope

    algorithms = {"signature_method": xmlsec.Transform.RSA_SHA256, "digest_method": xmlsec.Transform.SHA256}
    return Mutual(asked["key"], asked["certificate"], **algorithms)


def call(asked):
    security = []
    if "user" in asked:
        token = UsernameToken(asked["user"], asked["password"], use_digest=asked.get("digest", False), zulu_timestamp=True)
        security.append(token)
    security.append(Stamp())
    if "key" in asked:
        security.append(signature(asked))
    session = requests.Session()
    session.trust_env = False  # an authority of the environment would go before ours
    session.verify = asked["ca"]
    transport = zeep.transports.Transport(session=session, timeout=10, operation_timeout=10)
    client = zeep.Client(asked["wsdl"], wsse=Compose(security), transport=transport)
    binding = SERVICE + ("soap11" if asked["soap"] == "1.1" else "soap12")
    return client.create_service(binding, asked["url"]).echo(text=asked["text"])


say("ready", release=zeep.__version__)
for line in sys.stdin:
    asked = json.loads(line)
    try:
        say("answered", id=asked["id"], text=call(asked))
    except Exception as thrown:  # whatever it is, the other end is told
        say("refused", id=asked["id"], why=type(thrown).__name__ + ": " + str(thrown))
