package surewire.peer;

import com.google.gson.Gson;
import com.google.gson.JsonObject;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * A Java stack as either end of a reliable session: one process for the whole suite, asked on standard input and answering on
 * standard output, a JSON object a line.
 *
 * <pre>
 * {"id":1,"do":"serve","rm":"1.1","soap":"1.2"}  → {"event":"listening","id":1,"port":…}
 *                                                → {"event":"executed","id":1,"operation":"echo","number":…,…}
 * {"id":2,"do":"call","rm":…,"url":…,"operation":"echo","messages":10,"size":20} → {"event":"sent",…} … {"event":"done","id":2}
 * {"id":1,"do":"stop"}                           → {"event":"stopped","id":1}
 * </pre>
 */
public abstract class Stack {
    private final Map<Long, Runnable> running = new ConcurrentHashMap<>();

    /** Starts a server and tells on which port; what is given back stops it. */
    protected abstract Served serve(long id, JsonObject asked) throws Exception;

    /** Runs a client to the end of its session; whether everything was acknowledged. */
    protected abstract boolean call(long id, JsonObject asked) throws Exception;

    /** A server that runs. */
    public record Served(int port, Runnable stop) {
    }

    protected final void run(String release) throws Exception {
        Said.tell("ready", 0, "release", release);
        // What the stack wants to say goes to the other output: standard output is ours.
        System.setOut(System.err);
        ExecutorService work = Executors.newCachedThreadPool();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        Gson gson = new Gson();
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            JsonObject asked = gson.fromJson(line, JsonObject.class);
            work.execute(() -> answer(asked));
        }
        System.exit(0);
    }

    private void answer(JsonObject asked) {
        long id = asked.get("id").getAsLong();
        try {
            switch (asked.get("do").getAsString()) {
                case "serve" -> {
                    Served served;
                    // One after the other: a port that was free is taken before the next one is looked for.
                    synchronized (this) {
                        served = serve(id, asked);
                    }
                    running.put(id, served.stop());
                    Said.tell("listening", id, "port", served.port());
                }
                case "call" -> Said.tell("done", id, "settled", call(id, asked));
                case "stop" -> {
                    Runnable stop = running.remove(id);
                    if (stop != null) {
                        stop.run();
                    }
                    Said.tell("stopped", id);
                }
                default -> throw new IllegalArgumentException("I can serve, call and stop.");
            }
        } catch (Exception | Error thrown) {
            thrown.printStackTrace(System.err);
            Said.tell("failed", id, "why", String.valueOf(thrown));
        }
    }
}
