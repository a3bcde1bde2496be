// Prints a saved response as a program built on the Java SDK does: java Print CLASS FILE.json
import com.huaweicloud.sdk.core.utils.JsonUtils;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;

public class Print {
    public static void main(String[] args) throws Exception {
        String json = new String(Files.readAllBytes(Paths.get(args[1])), StandardCharsets.UTF_8);
        Class<?> type = Class.forName("com.huaweicloud.sdk.cce.v3.model." + args[0]);
        System.setOut(new java.io.PrintStream(System.out, true, "UTF-8"));
        System.out.println(JsonUtils.toObject(json, type).toString());
    }
}
