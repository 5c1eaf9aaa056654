// CoreWCF 1.9 as a server over HTTPS: user names, each message by itself ("username") or under a security context
// ("conversation"). It has no reliable sessions. The first line on standard input says how:
//
// {"mode":"username"|"conversation","tls":{"key":…,"certificate":…}}, PKCS#8 and DER in base64
//   → {"event":"ready",…,"port":…}, and {"event":"executed","id":0,"number":…,"length":…,"digest":…} for each call
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using CoreWCF;
using CoreWCF.Channels;
using CoreWCF.Configuration;
using CoreWCF.IdentityModel.Selectors;
using CoreWCF.Security;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Surewire.Interop;

JsonElement asked = JsonDocument.Parse(Console.ReadLine() ?? "{}").RootElement;
bool conversation = asked.GetProperty("mode").GetString() == "conversation";
WebApplicationBuilder builder = WebApplication.CreateBuilder();
builder.Logging.ClearProviders();
builder.Logging.AddConsole(options => options.LogToStandardErrorThreshold = LogLevel.Trace);
builder.WebHost.ConfigureKestrel(kestrel =>
    kestrel.Listen(IPAddress.Loopback, 0, at => at.UseHttps(Own(asked.GetProperty("tls")))));
builder.Services.AddServiceModelServices();
WebApplication app = builder.Build();
app.UseServiceModel(services =>
{
    services.AddService<Interop>();
    // WSHttpBinding speaks WS-SecureConversation of 2005/02, this one 1.3.
    var binding = new WS2007HttpBinding(SecurityMode.TransportWithMessageCredential);
    binding.Security.Message.ClientCredentialType = MessageCredentialType.UserName;
    binding.Security.Message.EstablishSecurityContext = conversation;
    // Not Basic256, its default, which signs with SHA-1.
    binding.Security.Message.AlgorithmSuite = SecurityAlgorithmSuite.Basic256Sha256;
    services.AddServiceEndpoint<Interop, IInterop>(binding, "/interop");
    services.ConfigureServiceHostBase<Interop>(host =>
    {
        host.Credentials.UserNameAuthentication.UserNamePasswordValidationMode = UserNamePasswordValidationMode.Custom;
        host.Credentials.UserNameAuthentication.CustomUserNamePasswordValidator = new Users();
    });
});
await app.StartAsync();
string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First();
Said.Tell(new
{
    @event = "ready",
    id = 0,
    release = typeof(WS2007HttpBinding).Assembly.GetName().Version!.ToString(),
    port = new Uri(address).Port,
});
// Ends when whoever asked is gone.
while (Console.ReadLine() is not null)
{
}
await app.StopAsync();

static X509Certificate2 Own(JsonElement tls)
{
    using RSA key = RSA.Create();
    key.ImportPkcs8PrivateKey(Convert.FromBase64String(tls.GetProperty("key").GetString()!), out _);
    using var certificate = new X509Certificate2(Convert.FromBase64String(tls.GetProperty("certificate").GetString()!));
    return certificate.CopyWithPrivateKey(key);
}

namespace Surewire.Interop
{
    [ServiceContract(Namespace = "urn:surewire:interop", Name = "interop")]
    public interface IInterop
    {
        [OperationContract(Name = "echo", Action = "urn:surewire:interop/echo", ReplyAction = "urn:surewire:interop/echoResponse")]
        [return: MessageParameter(Name = "text")]
        string Echo(string text);
    }

    [ServiceBehavior(InstanceContextMode = InstanceContextMode.Single)]
    public sealed class Interop : IInterop
    {
        private int _count;

        public string Echo(string text)
        {
            Said.Executed("executed", 0, Interlocked.Increment(ref _count), text);
            return text;
        }
    }

    internal sealed class Users : UserNamePasswordValidator
    {
        public override ValueTask ValidateAsync(string userName, string password) =>
            userName == "alice" && password == "secret"
                ? default
                : throw new FaultException("Unknown user name or wrong password.");
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
