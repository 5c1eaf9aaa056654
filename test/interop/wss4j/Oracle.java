/*
 * WSS4J as an oracle: one request a line on standard input, one answer a line on standard output, both JSON.
 *
 *   {"op":"keys", …}                      the keys and anchors of everything that follows, see Keys
 *   {"op":"secure", "envelope":…, "steps":[…]}   what is made, see Secure
 *   {"op":"process", "envelope":…}        what is verified and decrypted, see Process
 *   {"op":"time", "request":{…}, "warm":ms, "measure":ms}   a request again and again, timed in this process
 *
 * Every answer has "event":"answer" and the "id" of its request; one that failed has "ok":false and "error".
 */
import com.google.gson.Gson;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import org.apache.wss4j.dom.engine.WSSConfig;

public final class Oracle {
    private final PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    private final Gson gson = new Gson();
    private Keys keys;

    public static void main(String[] arguments) throws Exception {
        new Oracle().serve();
    }

    private void serve() throws Exception {
        WSSConfig.init();
        JsonObject ready = new JsonObject();
        ready.addProperty("event", "ready");
        ready.addProperty("wss4j", version(org.apache.wss4j.dom.engine.WSSecurityEngine.class));
        ready.addProperty("santuario", version(org.apache.xml.security.Init.class));
        out.println(gson.toJson(ready));
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            JsonObject request = JsonParser.parseString(line).getAsJsonObject();
            JsonObject answer;
            try {
                answer = answer(request);
                answer.addProperty("ok", true);
            } catch (Throwable thrown) {
                answer = new JsonObject();
                answer.addProperty("ok", false);
                answer.addProperty("error", chain(thrown));
            }
            answer.addProperty("event", "answer");
            answer.add("id", request.get("id"));
            out.println(gson.toJson(answer));
        }
    }

    private JsonObject answer(JsonObject request) throws Exception {
        switch (request.get("op").getAsString()) {
            case "keys":
                keys = new Keys(request);
                return new JsonObject();
            case "secure":
                return new Secure(keys).secure(request);
            case "process":
                return new Process(keys).process(request);
            case "time":
                return time(request);
            default:
                throw new IllegalArgumentException("unknown op " + request.get("op"));
        }
    }

    /**
     * Runs the request until it is warm, which takes so much of the processor, then as often as fits: milliseconds of one, by
     * the clock and by what this thread had of the processor.
     */
    private JsonObject time(JsonObject request) throws Exception {
        JsonObject inner = request.getAsJsonObject("request");
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long warm = request.get("warm").getAsLong() * 1_000_000;
        int once = 0;
        long began = System.nanoTime();
        long cold = threads.getCurrentThreadCpuTime();
        do {
            answer(inner);
            once++;
        } while (threads.getCurrentThreadCpuTime() - cold < warm);
        double rough = (System.nanoTime() - began) / (double) once;
        int often = (int) Math.max(1, request.get("measure").getAsLong() * 1_000_000 / rough);
        long start = System.nanoTime();
        long own = threads.getCurrentThreadCpuTime();
        for (int i = 0; i < often; i++) {
            answer(inner);
        }
        JsonObject answer = new JsonObject();
        answer.addProperty("milliseconds", (System.nanoTime() - start) / 1e6 / often);
        answer.addProperty("processor", (threads.getCurrentThreadCpuTime() - own) / 1e6 / often);
        return answer;
    }

    private static String version(Class<?> of) {
        String path = of.getProtectionDomain().getCodeSource().getLocation().getPath();
        return path.replaceAll(".*?-([0-9][0-9.]*)\\.jar$", "$1");
    }

    private static String chain(Throwable thrown) {
        StringBuilder text = new StringBuilder();
        for (Throwable one = thrown; one != null; one = one.getCause()) {
            text.append(text.length() == 0 ? "" : " <- ").append(one.getClass().getSimpleName()).append(": ");
            text.append(one.getMessage());
        }
        return text.toString();
    }
}
