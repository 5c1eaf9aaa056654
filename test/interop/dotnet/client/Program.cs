// The .NET client (dotnet/wcf, System.ServiceModel 8.1): one course for each line on standard input, a JSON object a line.
//
// {"id":1,"url":…,"rm":"1.0"|"1.1"|"none","soap":"1.1"|"1.2","security":{"mode":"username"?,"tls":{"anchor":…}?},
//  "operation":"echo"|"notify","messages":10,"size":20}
//   → {"event":"sent","id":1,"number":…,"length":…,"digest":…} … {"event":"done","id":1,"settled":true}
using System.Security.Cryptography.X509Certificates;
using System.ServiceModel;
using System.ServiceModel.Channels;
using System.ServiceModel.Security;
using System.Text;
using System.Text.Json;
using Surewire.Interop;

Said.Tell(new { @event = "ready", id = 0, release = typeof(ChannelFactory).Assembly.GetName().Version!.ToString() });
while (Console.ReadLine() is { } line)
{
    JsonElement asked = JsonDocument.Parse(line).RootElement;
    long id = asked.GetProperty("id").GetInt64();
    try
    {
        Course.Run(id, asked);
        Said.Tell(new { @event = "done", id, settled = true });
    }
    catch (Exception thrown)
    {
        Console.Error.WriteLine(thrown);
        Said.Tell(new { @event = "failed", id, why = $"{thrown.GetType().Name}: {thrown.Message}" });
    }
}

namespace Surewire.Interop
{
    /// <summary>The service of this suite, as test/interop/interop.wsdl has it.</summary>
    [ServiceContract(Namespace = "urn:surewire:interop", Name = "interop")]
    public interface IInterop
    {
        [OperationContract(Name = "echo", Action = "urn:surewire:interop/echo", ReplyAction = "urn:surewire:interop/echoResponse")]
        [return: MessageParameter(Name = "text")]
        string Echo(string text);
    }

    /// <summary>The same service, where nothing is answered: a session without an Offer.</summary>
    [ServiceContract(Namespace = "urn:surewire:interop", Name = "interop")]
    public interface INotify
    {
        [OperationContract(Name = "notify", Action = "urn:surewire:interop/notify", IsOneWay = true)]
        void Notify(string text);
    }

    internal static class Course
    {
        public static void Run(long id, JsonElement asked)
        {
            if (asked.GetProperty("operation").GetString() == "echo")
            {
                Call<IInterop>(id, asked, (service, text) =>
                {
                    if (service.Echo(text) != text)
                    {
                        throw new InvalidOperationException("The answer is another text.");
                    }
                });
            }
            else
            {
                Call<INotify>(id, asked, (service, text) => service.Notify(text));
            }
        }

        private static void Call<T>(long id, JsonElement asked, Action<T, string> call) where T : class
        {
            var at = new EndpointAddress(asked.GetProperty("url").GetString()!);
            var factory = new ChannelFactory<T>(Bindings.Of(asked), at);
            Bindings.Trust(factory.Credentials, asked);
            factory.Credentials.UserName.UserName = "alice";
            factory.Credentials.UserName.Password = "secret";
            T service = factory.CreateChannel();
            int size = asked.GetProperty("size").GetInt32();
            for (int number = 1; number <= asked.GetProperty("messages").GetInt32(); number++)
            {
                string text = $"message {number} ".PadRight(size, 'x');
                call(service, text);
                Said.Executed("sent", id, number, text);
            }
            // The last acknowledgement, TerminateSequence, and the security context is cancelled.
            ((IClientChannel)service).Close();
            factory.Close();
        }
    }

    internal static class Bindings
    {
        public static Binding Of(JsonElement asked)
        {
            JsonElement security = asked.GetProperty("security");
            bool secure = security.TryGetProperty("tls", out _);
            string rm = asked.GetProperty("rm").GetString()!;
            var elements = new BindingElementCollection();
            if (rm != "none")
            {
                elements.Add(new ReliableSessionBindingElement(ordered: true)
                {
                    ReliableMessagingVersion = rm == "1.0"
                        ? ReliableMessagingVersion.WSReliableMessagingFebruary2005
                        : ReliableMessagingVersion.WSReliableMessaging11,
                });
            }
            if (security.TryGetProperty("mode", out JsonElement mode))
            {
                SecurityBindingElement user = SecurityBindingElement.CreateUserNameOverTransportBindingElement();
                user.MessageSecurityVersion =
                    MessageSecurityVersion.WSSecurity11WSTrust13WSSecureConversation13WSSecurityPolicy12BasicSecurityProfile10;
                // Not Basic256, its default, which signs with SHA-1.
                user.DefaultAlgorithmSuite = SecurityAlgorithmSuite.Basic256Sha256;
                // A reliable session needs a security context; so does who asks for one by name.
                SecurityBindingElement element = user;
                if (rm != "none" || mode.GetString() == "conversation")
                {
                    element = SecurityBindingElement.CreateSecureConversationBindingElement(user);
                    element.MessageSecurityVersion = user.MessageSecurityVersion;
                    element.DefaultAlgorithmSuite = user.DefaultAlgorithmSuite;
                }
                elements.Add(element);
            }
            MessageVersion version = MessageVersion.CreateVersion(
                asked.GetProperty("soap").GetString() == "1.1" ? EnvelopeVersion.Soap11 : EnvelopeVersion.Soap12,
                AddressingVersion.WSAddressing10);
            elements.Add(new TextMessageEncodingBindingElement(version, Encoding.UTF8));
            elements.Add(secure
                ? new HttpsTransportBindingElement { MaxReceivedMessageSize = 1 << 24 }
                : new HttpTransportBindingElement { MaxReceivedMessageSize = 1 << 24 });
            return new CustomBinding(elements) { SendTimeout = TimeSpan.FromSeconds(20) };
        }

        public static void Trust(System.ServiceModel.Description.ClientCredentials credentials, JsonElement asked)
        {
            if (!asked.GetProperty("security").TryGetProperty("tls", out JsonElement tls))
            {
                return;
            }
            byte[] anchor = Convert.FromBase64String(tls.GetProperty("anchor").GetString()!);
            credentials.ServiceCertificate.SslCertificateAuthentication = new X509ServiceCertificateAuthentication
            {
                CertificateValidationMode = X509CertificateValidationMode.Custom,
                CustomCertificateValidator = new Anchored(new X509Certificate2(anchor)),
            };
        }
    }

    /// <summary>Believes what one authority has signed.</summary>
    internal sealed class Anchored(X509Certificate2 anchor) : System.IdentityModel.Selectors.X509CertificateValidator
    {
        public override void Validate(X509Certificate2 certificate)
        {
            using var chain = new X509Chain();
            chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            chain.ChainPolicy.CustomTrustStore.Add(anchor);
            chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
            if (!chain.Build(certificate))
            {
                throw new System.IdentityModel.Tokens.SecurityTokenValidationException("The certificate is not of this authority.");
            }
        }
    }

    internal static class Said
    {
        public static void Tell(object said)
        {
            Console.Out.WriteLine(JsonSerializer.Serialize(said));
            Console.Out.Flush();
        }

        /// <summary>Number, length and digest (FNV-1a, 32 bits) of a text.</summary>
        public static void Executed(string @event, long id, int number, string text)
        {
            byte[] octets = Encoding.UTF8.GetBytes(text);
            uint digest = 0x811c9dc5;
            foreach (byte octet in octets)
            {
                digest = unchecked((digest ^ octet) * 0x01000193);
            }
            Tell(new { @event, id, number, length = octets.Length, digest });
        }
    }
}
