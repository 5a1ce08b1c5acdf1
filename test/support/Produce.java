import java.nio.charset.StandardCharsets;
import java.util.Properties;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Sends each line of standard input as one record, with Java's own client. Arguments: brokers, topic, compression. */
public class Produce {
  public static void main(String[] arguments) throws Exception {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", arguments[0]);
    settings.put("compression.type", arguments[2]);
    settings.put("linger.ms", "200");
    settings.put("key.serializer", ByteArraySerializer.class.getName());
    settings.put("value.serializer", ByteArraySerializer.class.getName());
    try (KafkaProducer<byte[], byte[]> producer = new KafkaProducer<>(settings)) {
      String all = new String(System.in.readAllBytes(), StandardCharsets.UTF_8);
      for (String line : all.split("\n")) {
        producer.send(new ProducerRecord<>(arguments[1], line.getBytes(StandardCharsets.UTF_8)));
      }
    }
  }
}
