package surewire.peer;

import com.google.gson.JsonObject;

/** The calls of a client: {"operation":"echo"|"notify","messages":10,"size":20}. */
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
        }
    }
}
