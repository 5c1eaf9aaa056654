package surewire.peer;

import com.google.gson.JsonObject;
import jakarta.xml.ws.soap.SOAPFaultException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The calls of a client: {"operation":"echo"|"notify","messages":10,"size":20,"fault":false,"inFlight":false}. */
public final class Calls {
    private Calls() {
    }

    public static void make(long id, JsonObject asked, Interop proxy) {
        int messages = asked.get("messages").getAsInt();
        for (int number = 1; number <= messages; number++) {
            one(id, asked, proxy, number);
            if (number == 1 && asked.get("fault").getAsBoolean()) {
                fail(proxy);
            }
        }
    }

    /** Makes all calls but the first at the same time, and closes while they are under way. */
    public static void makeAndClose(long id, JsonObject asked, Interop proxy, Callable<?> close) throws Exception {
        one(id, asked, proxy, 1);
        int messages = asked.get("messages").getAsInt();
        ExecutorService threads = Executors.newCachedThreadPool();
        try {
            CountDownLatch begun = new CountDownLatch(messages - 1);
            List<Future<?>> calls = new ArrayList<>();
            for (int number = 2; number <= messages; number++) {
                int mine = number;
                calls.add(threads.submit(() -> {
                    begun.countDown();
                    one(id, asked, proxy, mine);
                }));
            }
            begun.await();
            close.call();
            for (Future<?> call : calls) {
                call.get();
            }
        } finally {
            threads.shutdownNow();
        }
    }

    private static void one(long id, JsonObject asked, Interop proxy, int number) {
        boolean echo = asked.get("operation").getAsString().equals("echo");
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
