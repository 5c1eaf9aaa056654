package surewire.metro;

import com.sun.xml.wss.impl.callback.PasswordValidationCallback;

/** Who may come in; Metro makes one by name. */
public final class Users implements PasswordValidationCallback.PasswordValidator {
    @Override
    public boolean validate(PasswordValidationCallback.Request request) {
        return request instanceof PasswordValidationCallback.PlainTextPasswordRequest text
            && text.getUsername().equals("alice")
            && text.getPassword().equals("secret");
    }
}
