package surewire.peer;

import jakarta.jws.Oneway;
import jakarta.jws.WebMethod;
import jakarta.jws.WebParam;
import jakarta.jws.WebResult;
import jakarta.jws.WebService;
import jakarta.xml.ws.Action;

/** The service of this suite, as test/interop/gsoap/echo.h has it: document/literal, all elements qualified. */
@WebService(name = "interop", targetNamespace = Interop.NAMESPACE)
public interface Interop {
    String NAMESPACE = "urn:surewire:interop";

    @WebMethod(operationName = "echo")
    @Action(input = NAMESPACE + "/echo", output = NAMESPACE + "/echoResponse")
    @WebResult(name = "text", targetNamespace = NAMESPACE)
    String echo(@WebParam(name = "text", targetNamespace = NAMESPACE) String text);

    @Oneway
    @WebMethod(operationName = "notify")
    @Action(input = NAMESPACE + "/notify")
    void tell(@WebParam(name = "text", targetNamespace = NAMESPACE) String text);
}
