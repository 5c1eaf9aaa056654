package surewire.peer;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** What a peer says on its standard output: a JSON object a line. */
public final class Said {
    private static final PrintStream OUT = System.out;
    private static final Gson GSON = new Gson();

    private Said() {
    }

    public static synchronized void tell(String event, long id, Object... members) {
        JsonObject said = new JsonObject();
        said.addProperty("event", event);
        said.addProperty("id", id);
        for (int at = 0; at < members.length; at += 2) {
            said.add(String.valueOf(members[at]), GSON.toJsonTree(members[at + 1]));
        }
        OUT.println(said);
        OUT.flush();
    }

    /** Number, length and digest (FNV-1a, 32 bits) of a text. */
    public static void executed(String event, long id, String operation, int number, String text) {
        byte[] octets = text.getBytes(StandardCharsets.UTF_8);
        int hash = 0x811c9dc5;
        for (byte octet : octets) {
            hash = (hash ^ (octet & 0xff)) * 0x01000193;
        }
        tell(event, id, "operation", operation, "number", number, "length", octets.length,
            "digest", Integer.toUnsignedLong(hash));
    }
}
