/** What python3-xmlsec does in the bench of security, as the program of a `PythonPeer`. */
export const XMLSEC: string = `
import xmlsec
from lxml import etree
def context(root, key):
    xmlsec.tree.add_ids(root, ['Id'])
    found = xmlsec.SignatureContext()
    found.key = key
    return found, xmlsec.tree.find_node(root, xmlsec.Node.SIGNATURE)
def verifying(xml, key):
    def run():
        found, node = context(etree.fromstring(xml), key)
        found.verify(node)
    run()
    return run
def signing(xml, key):
    def run():
        root = etree.fromstring(xml)
        found, node = context(root, key)
        found.sign(node)
        return etree.tostring(root)
    run()
    return run
@work
def verify(xml, cert):
    return verifying(xml, xmlsec.Key.from_memory(cert, xmlsec.KeyFormat.CERT_PEM))
@work
def verify_hmac(xml, secret):
    return verifying(xml, xmlsec.Key.from_binary_data(xmlsec.KeyData.HMAC, secret))
@work
def sign(xml, key):
    return signing(xml, xmlsec.Key.from_memory(key, xmlsec.KeyFormat.PEM))
@work
def sign_hmac(xml, secret):
    return signing(xml, xmlsec.Key.from_binary_data(xmlsec.KeyData.HMAC, secret))
`;
