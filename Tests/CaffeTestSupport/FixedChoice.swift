import CaffeCore

/// Has one answer to all questions of speed: nothing is measured.
public final class FixedChoice: SpeedChoices.Memory {
  private let name: String

  private init(_ name: String) { self.name = name }

  /// Convolutions run on our transformed tiles, where those take them.
  public static var tiles: SpeedChoices {
    SpeedChoices(machine: "here", memory: FixedChoice("CAFFE winograd"))
  }

  public func choice(for key: String) -> String? { name }
  public func keep(_ choice: String, for key: String) -> String { choice }
}
