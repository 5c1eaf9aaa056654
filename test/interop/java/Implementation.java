package surewire.peer;

import jakarta.jws.WebService;

/** Tells what it executes. */
@WebService(
    endpointInterface = "surewire.peer.Interop",
    targetNamespace = Interop.NAMESPACE,
    serviceName = "interopService",
    portName = "interopPort")
public final class Implementation implements Interop {
    private final long id;
    private int count;

    public Implementation(long id) {
        this.id = id;
    }

    @Override
    public String echo(String text) {
        if (text.equals("fault")) {
            throw new IllegalArgumentException("You asked for a fault");
        }
        note("echo", text);
        return text;
    }

    @Override
    public void tell(String text) {
        note("notify", text);
    }

    private synchronized void note(String operation, String text) {
        count++;
        Said.executed("executed", id, operation, count, text);
    }
}
