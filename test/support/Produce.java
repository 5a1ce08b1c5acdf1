import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/**
 * Sends lines of standard input as records, with Java's own client. Each line is a compression, a space, and the value.
 * Arguments: brokers, topic.
 */
public class Produce {
  public static void main(String[] arguments) throws Exception {
    Map<String, KafkaProducer<byte[], byte[]>> producers = new HashMap<>();
    String all = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
    for (String line : all.split("\n")) {
      String[] parts = line.split(" ", 2);
      producers
          .computeIfAbsent(parts[0], compression -> producer(arguments[0], compression))
          .send(new ProducerRecord<>(arguments[1], parts[1].getBytes(StandardCharsets.UTF_8)));
    }
    for (KafkaProducer<byte[], byte[]> producer : producers.values()) producer.close();
  }

  private static KafkaProducer<byte[], byte[]> producer(String brokers, String compression) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", brokers);
    settings.put("compression.type", compression);
    settings.put("linger.ms", "200");
    settings.put("key.serializer", ByteArraySerializer.class.getName());
    settings.put("value.serializer", ByteArraySerializer.class.getName());
    return new KafkaProducer<>(settings);
  }
}
