// Prints saved responses as a program built on the Java SDK does:
//   java Print CLASS FILE.json     one of them
//   java Print - FILE              many: lines of CLASS, tab, JSON become lines of Base64
import com.huaweicloud.sdk.core.utils.JsonUtils;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.Base64;

public class Print {
    public static void main(String[] args) throws Exception {
        PrintStream out = new PrintStream(System.out, true, "UTF-8");
        String text = new String(Files.readAllBytes(Paths.get(args[1])), StandardCharsets.UTF_8);
        if (!args[0].equals("-")) {
            System.setOut(out);
            System.out.println(response(args[0], text).toString());
            return;
        }
        for (String line : text.split("\n")) {
            String[] parts = line.split("\t", 2);
            byte[] printed = (response(parts[0], parts[1]) + "\n").getBytes(StandardCharsets.UTF_8);
            out.println(Base64.getEncoder().encodeToString(printed));
        }
    }

    static Object response(String name, String json) throws Exception {
        return JsonUtils.toObject(json, Class.forName("com.huaweicloud.sdk.cce.v3.model." + name));
    }
}
