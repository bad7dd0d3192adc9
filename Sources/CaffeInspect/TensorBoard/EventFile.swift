import CaffeData
import CaffeErrors
import Foundation
import Glibc

/// A file of TensorBoard's events: TFRecords of `tensorflow.Event`, each written at once.
///
/// Field numbers are those of TensorFlow's `event.proto` and `summary.proto`.
package final class EventFile {
  package let path: String
  private let file: SystemFile

  /// Makes a new file in `folder`, which is made if it is not there.
  package init(in folder: String) throws {
    let began = Int(Date().timeIntervalSince1970)
    path = "\(folder)/events.out.tfevents.\(began).\(Host.name).\(getpid())"
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      file = try SystemFile(creating: path)
    } catch let error as CaffeError {
      throw error.within(path)
    } catch {
      throw CaffeError(error.localizedDescription, places: [folder])
    }
    var first = event(step: 0)
    first.add(3, "brain.Event:2")
    try write(first)
  }

  /// Writes the values of a step under their tags.
  package func write(step: Int, _ values: [(tag: String, value: SummaryValue)]) throws {
    guard !values.isEmpty else { return }
    var summary = WireMessage()
    for (tag, value) in values {
      var message = WireMessage()
      message.add(1, tag)
      value.add(to: &message)
      summary.add(1, message)
    }
    var event = event(step: step)
    event.add(5, summary)
    try write(event)
  }

  /// Writes a graph, a serialised `GraphDef`.
  package func write(graph: WireMessage) throws {
    var event = event(step: 0)
    event.add(4, graph)
    try write(event)
  }

  private func event(step: Int) -> WireMessage {
    var event = WireMessage()
    event.add(1, Date().timeIntervalSince1970)
    event.add(2, step)
    return event
  }

  /// A record: length, its check, the content, its check.
  private func write(_ event: WireMessage) throws {
    let length = WireMessage.littleEndian(UInt64(event.bytes.count))
    let record =
      length + WireMessage.littleEndian(CRC32C.masked(length)) + event.bytes
      + WireMessage.littleEndian(CRC32C.masked(event.bytes))
    do {
      try record.withUnsafeBytes { try file.write($0) }
    } catch let error as CaffeError {
      throw error.within(path)
    }
  }
}

/// What a tag has at a step.
package enum SummaryValue {
  case scalar(Float)
  case histogram([Float])
  case image(Image)

  /// Adds the field of `Summary.Value` that holds it.
  fileprivate func add(to message: inout WireMessage) {
    switch self {
    case .scalar(let value): message.add(2, value)
    case .histogram(let values): message.add(5, Histogram(values).message)
    case .image(let image):
      guard let png = try? ImageEncoder.encode(image, .png) else { return }
      var picture = WireMessage()
      picture.add(1, image.height)
      picture.add(2, image.width)
      picture.add(3, image.channels)
      picture.add(4, png)
      message.add(4, picture)
    }
  }
}

extension Histogram {
  /// `tensorflow.HistogramProto`.
  fileprivate var message: WireMessage {
    var message = WireMessage()
    message.add(1, low)
    message.add(2, high)
    message.add(3, count)
    message.add(4, sum)
    message.add(5, sumOfSquares)
    message.add(6, limits)
    message.add(7, counts)
    return message
  }
}
