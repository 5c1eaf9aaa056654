/** What python3-xmlsec does in the bench of security, as the program of a `PythonPeer`. */
export const XMLSEC: string = `
import xmlsec
from lxml import etree
def signature(root):
    xmlsec.tree.add_ids(root, ['Id'])
    return xmlsec.tree.find_node(root, xmlsec.Node.SIGNATURE)
@work
def verify(xml, cert):
    key = xmlsec.Key.from_memory(cert, xmlsec.KeyFormat.CERT_PEM)
    def run():
        node = signature(etree.fromstring(xml))
        context = xmlsec.SignatureContext()
        context.key = key
        context.verify(node)
    run()
    return run
@work
def verify_hmac(xml, secret):
    key = xmlsec.Key.from_binary_data(xmlsec.KeyData.HMAC, secret)
    def run():
        node = signature(etree.fromstring(xml))
        context = xmlsec.SignatureContext()
        context.key = key
        context.verify(node)
    run()
    return run
@work
def sign_hmac(xml, secret):
    key = xmlsec.Key.from_binary_data(xmlsec.KeyData.HMAC, secret)
    def run():
        root = etree.fromstring(xml)
        context = xmlsec.SignatureContext()
        context.key = key
        context.sign(signature(root))
        return etree.tostring(root)
    run()
    return run
@work
def sign(xml, key):
    private = xmlsec.Key.from_memory(key, xmlsec.KeyFormat.PEM)
    def run():
        root = etree.fromstring(xml)
        context = xmlsec.SignatureContext()
        context.key = private
        context.sign(signature(root))
        return etree.tostring(root)
    run()
    return run
`;
