package surewire.peer;

import com.google.gson.JsonObject;
import jakarta.xml.ws.soap.SOAPFaultException;

/** The calls of a client: {"operation":"echo"|"notify","messages":10,"size":20,"fault":false}. */
public final class Calls {
    private Calls() {
    }

    public static void make(long id, JsonObject asked, Interop proxy) {
        int messages = asked.get("messages").getAsInt();
        boolean echo = asked.get("operation").getAsString().equals("echo");
        for (int number = 1; number <= messages; number++) {
            StringBuilder made = new StringBuilder("message " + number + " ");
            while (made.length() < asked.get("size").getAsInt()) {
                made.append('x');
            }
            String text = made.toString();
            if (!echo) {
                proxy.tell(text);
            } else if (!text.equals(proxy.echo(text))) {
                throw new IllegalStateException("The answer to message " + number + " is another text.");
            }
            Said.executed("sent", id, "echo", number, text);
            if (number == 1 && asked.get("fault").getAsBoolean()) {
                fail(proxy);
            }
        }
    }

    /** The service answers with a fault, which arrives as what it is. */
    private static void fail(Interop proxy) {
        try {
            proxy.echo("fault");
        } catch (SOAPFaultException thrown) {
            if (thrown.getMessage().contains("You asked for a fault")) {
                return;
            }
            throw thrown;
        }
        throw new IllegalStateException("There was no fault.");
    }
}
