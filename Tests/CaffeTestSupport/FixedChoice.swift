import CaffeCore

/// Has one answer to all questions of speed: nothing is measured.
public final class FixedChoice: SpeedChoices.Memory {
  private let name: String

  private init(_ name: String) { self.name = name }

  /// Convolutions run on our transformed tiles, where those take them.
  public static var tiles: SpeedChoices { always("CAFFE winograd") }

  /// Convolutions multiply float32, whatever the net's precision.
  public static var float32: SpeedChoices { always("FLOAT32") }

  private static func always(_ name: String) -> SpeedChoices {
    SpeedChoices(machine: "here", memory: FixedChoice(name))
  }

  public func choice(for key: String) -> String? { name }
  public func keep(_ choice: String, for key: String) -> String { choice }
}
