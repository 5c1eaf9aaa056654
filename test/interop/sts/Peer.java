package surewire.sts;

import com.google.gson.JsonObject;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import javax.security.auth.callback.Callback;
import javax.security.auth.callback.CallbackHandler;
import org.apache.cxf.Bus;
import org.apache.cxf.BusFactory;
import org.apache.cxf.configuration.jsse.TLSClientParameters;
import org.apache.cxf.configuration.jsse.TLSServerParameters;
import org.apache.cxf.endpoint.Server;
import org.apache.cxf.helpers.DOMUtils;
import org.apache.cxf.jaxws.JaxWsServerFactoryBean;
import org.apache.cxf.staxutils.StaxUtils;
import org.apache.cxf.sts.StaticSTSProperties;
import org.apache.cxf.sts.operation.AbstractOperation;
import org.apache.cxf.sts.operation.TokenIssueOperation;
import org.apache.cxf.sts.operation.TokenRenewOperation;
import org.apache.cxf.sts.operation.TokenValidateOperation;
import org.apache.cxf.sts.service.EncryptionProperties;
import org.apache.cxf.sts.service.StaticService;
import org.apache.cxf.sts.cache.DefaultInMemoryTokenStore;
import org.apache.cxf.sts.token.delegation.SAMLDelegationHandler;
import org.apache.cxf.sts.token.provider.SAMLTokenProvider;
import org.apache.cxf.sts.token.provider.jwt.JWTTokenProvider;
import org.apache.cxf.sts.token.renewer.SAMLTokenRenewer;
import org.apache.cxf.sts.token.validator.SAMLTokenValidator;
import org.apache.cxf.transport.http_jetty.JettyHTTPServerEngineFactory;
import org.apache.cxf.message.Message;
import org.apache.cxf.phase.AbstractPhaseInterceptor;
import org.apache.cxf.phase.Phase;
import org.apache.cxf.ws.addressing.AddressingProperties;
import org.apache.cxf.ws.addressing.ContextUtils;
import org.apache.cxf.ws.addressing.WSAddressingFeature;
import org.apache.cxf.ws.security.sts.provider.SecurityTokenServiceProvider;
import org.apache.cxf.ws.security.tokenstore.SecurityToken;
import org.apache.cxf.ws.security.tokenstore.TokenStore;
import org.apache.cxf.ws.security.trust.STSClient;
import org.apache.cxf.ws.security.wss4j.WSS4JInInterceptor;
import org.apache.cxf.ws.security.wss4j.WSS4JOutInterceptor;
import org.apache.wss4j.common.ConfigurationConstants;
import org.apache.wss4j.common.crypto.Crypto;
import org.apache.wss4j.common.crypto.Merlin;
import org.apache.wss4j.common.ext.WSPasswordCallback;
import org.apache.wss4j.dom.WSConstants;
import org.w3c.dom.Element;
import surewire.peer.Said;
import surewire.peer.Stack;
import surewire.peer.Stores;

/**
 * The security token service of Apache CXF, and its client. A server issues for every address, keys for the "peer" of Stores; a client
 * asks a token service for one token and tells what it got: {"do":"call","url","trust":namespace,"tokenType","keyType","appliesTo"}.
 */
public final class Peer extends Stack {
    public static void main(String[] arguments) throws Exception {
        new Peer().run(org.apache.cxf.version.Version.getCurrentVersion());
    }

    @Override
    protected Served serve(long id, JsonObject asked) throws Exception {
        Bus bus = BusFactory.newInstance().createBus();
        BusFactory.setThreadDefaultBus(bus);
        JsonObject security = asked.getAsJsonObject("security");
        int port;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = socket.getLocalPort();
        }
        TLSServerParameters tls = new TLSServerParameters();
        tls.setKeyManagers(Stores.shown(security));
        bus.getExtension(JettyHTTPServerEngineFactory.class).setTLSServerParametersForPort(port, tls);
        JaxWsServerFactoryBean factory = new JaxWsServerFactoryBean();
        factory.setBus(bus);
        factory.setServiceBean(provider(bus, security));
        factory.setAddress("https://127.0.0.1:" + port + "/sts");
        factory.setBindingId("http://www.w3.org/2003/05/soap/bindings/HTTP/");
        factory.getFeatures().add(new WSAddressingFeature());
        Map<String, Object> in = new HashMap<>();
        in.put(ConfigurationConstants.ACTION, "Timestamp UsernameToken");
        in.put(ConfigurationConstants.PW_CALLBACK_REF, (CallbackHandler) Peer::password);
        factory.getInInterceptors().add(new WSS4JInInterceptor(in));
        Map<String, Object> out = new HashMap<>();
        out.put(ConfigurationConstants.ACTION, "Timestamp");
        factory.getOutInterceptors().add(new Answer());
        factory.getOutInterceptors().add(new WSS4JOutInterceptor(out));
        factory.getOutFaultInterceptors().add(new Answer());
        factory.getOutFaultInterceptors().add(new WSS4JOutInterceptor(out));
        Server server = factory.create();
        return new Served(port, () -> {
            server.destroy();
            bus.shutdown(true);
        });
    }

    private static SecurityTokenServiceProvider provider(Bus bus, JsonObject security) throws Exception {
        StaticSTSProperties properties = new StaticSTSProperties();
        properties.setBus(bus);
        properties.setIssuer("urn:cxf:sts");
        properties.setCallbackHandler(Peer::password);
        properties.setSignatureCrypto(crypto(security));
        properties.setSignatureUsername("own");
        properties.setEncryptionCrypto(crypto(security));
        properties.setEncryptionUsername("peer");
        StaticService service = new StaticService();
        service.setEndpoints(List.of(".*"));
        EncryptionProperties encryption = new EncryptionProperties();
        encryption.setEncryptionName("peer");
        service.setEncryptionProperties(encryption);
        TokenStore store = new DefaultInMemoryTokenStore(bus);
        TokenIssueOperation issue = new TokenIssueOperation();
        issue.setTokenProviders(List.of(new SAMLTokenProvider(), new JWTTokenProvider()));
        issue.setDelegationHandlers(List.of(new SAMLDelegationHandler()));
        issue.setTokenValidators(List.of(new SAMLTokenValidator()));
        TokenValidateOperation validate = new TokenValidateOperation();
        validate.setTokenValidators(List.of(new SAMLTokenValidator()));
        TokenRenewOperation renew = new TokenRenewOperation();
        SAMLTokenRenewer renewer = new SAMLTokenRenewer();
        renewer.setVerifyProofOfPossession(false);
        renew.setTokenRenewers(List.of(renewer));
        renew.setTokenValidators(List.of(new SAMLTokenValidator()));
        for (AbstractOperation one : List.of(issue, validate, renew)) {
            one.setStsProperties(properties);
            one.setServices(List.of(service));
            one.setTokenStore(store);
        }
        SecurityTokenServiceProvider provider = new SecurityTokenServiceProvider();
        provider.setIssueOperation(issue);
        provider.setValidateOperation(validate);
        provider.setRenewOperation(renew);
        return provider;
    }

    @Override
    protected boolean call(long id, JsonObject asked) throws Exception {
        Bus bus = BusFactory.newInstance().createBus();
        BusFactory.setThreadDefaultBus(bus);
        STSClient client = new STSClient(bus);
        client.setLocation(asked.get("url").getAsString());
        client.setSoap12();
        client.setAddressingNamespace("http://www.w3.org/2005/08/addressing");
        String namespace = asked.get("trust").getAsString();
        client.setTrust(null);
        client.setTokenType(asked.get("tokenType").getAsString());
        client.setKeyType(namespace + "/" + asked.get("keyType").getAsString());
        client.setKeySize(256);
        client.setEnableAppliesTo(true);
        TLSClientParameters tls = new TLSClientParameters();
        tls.setTrustManagers(Stores.believed(asked.getAsJsonObject("security")));
        client.setTlsClientParameters(tls);
        Map<String, Object> out = new HashMap<>();
        out.put(ConfigurationConstants.ACTION, "Timestamp UsernameToken");
        out.put(ConfigurationConstants.USER, "alice");
        out.put(ConfigurationConstants.PASSWORD_TYPE, WSConstants.PW_TEXT);
        out.put(ConfigurationConstants.PW_CALLBACK_REF, (CallbackHandler) Peer::password);
        client.getOutInterceptors().add(new WSS4JOutInterceptor(out));
        Map<String, Object> in = new HashMap<>();
        in.put(ConfigurationConstants.ACTION, "Timestamp");
        client.getInInterceptors().add(new WSS4JInInterceptor(in));
        client.getInFaultInterceptors().add(new WSS4JInInterceptor(in));
        new WSAddressingFeature().initialize(client.getClient(), bus);
        try {
            SecurityToken token = client.requestSecurityToken(asked.get("appliesTo").getAsString());
            String secret = token.getSecret() == null ? "" : Base64.getEncoder().encodeToString(token.getSecret());
            Element element = token.getToken();
            Said.tell("token", id, "secret", secret, "token", StaxUtils.toString(element),
                "expires", String.valueOf(token.getExpires()), "local", DOMUtils.getElementQName(element).getLocalPart());
            return true;
        } finally {
            bus.shutdown(true);
        }
    }

    /** Without a WSDL CXF knows no action of an answer: that of the specification. */
    private static final class Answer extends AbstractPhaseInterceptor<Message> {
        Answer() {
            super(Phase.SETUP);
        }

        @Override
        public void handleMessage(Message message) {
            AddressingProperties asked = ContextUtils.retrieveMAPs(message.getExchange().getInMessage(), false, false);
            String action = asked.getAction().getValue();
            String answer = action.contains("200512")
                ? action.replace("/RST/Issue", "/RSTRC/Issue").replace("/RST/", "/RSTR/") + "Final"
                : action.replace("/RST/", "/RSTR/");
            message.put(ContextUtils.ACTION, answer);
        }
    }

    private static Crypto crypto(JsonObject security) throws GeneralSecurityException, IOException {
        KeyStore store = Stores.messages(security);
        Merlin merlin = new Merlin();
        merlin.setKeyStore(store);
        merlin.setTrustStore(store);
        return merlin;
    }

    private static void password(Callback[] callbacks) {
        for (Callback callback : callbacks) {
            WSPasswordCallback asked = (WSPasswordCallback) callback;
            asked.setPassword("alice".equals(asked.getIdentifier()) ? "secret" : Stores.PASSWORD);
        }
    }
}
