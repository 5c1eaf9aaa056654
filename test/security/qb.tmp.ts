import { pki, policyOf, order, secured, read, start } from '/work/main/test/security/rig.ts';
import { message, header, encodeEnvelope } from '/work/main/src/soap/envelope.ts';
import { examine } from '/work/main/src/security/verify.ts';
import { readSignature, verifySignature } from '/work/main/src/security/signature.ts';
import { Protector } from '/work/main/src/security/protect.ts';
import { seededRandom, systemRandom } from '/work/main/src/base/random.ts';
import { scan } from '/work/main/src/xml/scan.ts';
import { readEnvelope } from '/work/main/src/soap/envelope.ts';
import { elementsById } from '/work/main/src/xml/find.ts';
import { XmlFragment } from '/work/main/src/xml/fragment.ts';
import { x509Signed } from '/work/main/src/security/policy.ts';
import { trustChain } from '/work/main/src/security/trust.ts';
const all = await pki();
const payload = (n:number)=>{ let s='<o:Order xmlns:o="urn:orders">'; let i=0; while(s.length<n) s+=`<o:Line z="${++i}" b="2" a="1">item number ${i} of this order</o:Line>`; return s+'</o:Order>'; };
const big = order(); 
const m = {...message({version: big.version, body: XmlFragment.parse(payload(10240))}), headers: big.headers.filter(h=>!['AckRequested','SequenceAcknowledgement','ReplyTo'].includes(h.local)), action: big.action};
console.log(m.headers.map(h=>h.local));
function time(name:string, n:number, f:()=>any){ for(let i=0;i<n/4;i++) f(); const t=performance.now(); for(let i=0;i<n;i++) f(); console.log(name, ((performance.now()-t)/n*1000).toFixed(1),'µs'); }
async function atime(name:string, n:number, f:()=>Promise<any>){ for(let i=0;i<n/4;i++) await f(); const t=performance.now(); for(let i=0;i<n;i++) await f(); console.log(name, ((performance.now()-t)/n*1000).toFixed(1),'µs'); }
for (const who of [all.client, all.service]) {
const policy = policyOf(who, all.root);
const octets = await secured(policy, m);
console.log(who.certificate.subject, octets.length);
const inbound = policyOf(who===all.client?all.service:all.client, all.root).inbound;
const replay = { remember: () => true };
time('scan', 3000, ()=>scan(octets));
time('scan+envelope', 3000, ()=>readEnvelope(scan(octets)));
time('scan+envelope+ids', 3000, ()=>elementsById(readEnvelope(scan(octets)).source!));
await atime('verify', 5000, ()=>examine(readEnvelope(scan(octets)), inbound, {now:start as any, replay, peer: undefined}));
const p = new Protector(policy.outbound, systemRandom);
await atime('sign', 1500, ()=>p.protect({...m, body: XmlFragment.written(m.body.bytes, m.body.prefixes), headers: m.headers.map(h=>({...h, fragment: XmlFragment.written(h.fragment.bytes, h.fragment.prefixes)}))}, start as any));
await atime('sign+encode', 1500, async()=>encodeEnvelope(await p.protect({...m, body: XmlFragment.written(m.body.bytes, m.body.prefixes), headers: m.headers.map(h=>({...h, fragment: XmlFragment.written(h.fragment.bytes, h.fragment.prefixes)}))}, start as any)));
await atime('sign again (retransmission)', 1500, ()=>p.protect(m, start as any));
const sig = policy.outbound.signature!.key; const o = new Uint8Array(1500);
time('raw sign', 1500, ()=>sig.sign(sig.algorithm, o));
}
