import CaffeTestSupport

/// Ways to damage a file, the same every time.
struct Damage {
  private var random: TestRandom

  init(seed: UInt64) { random = TestRandom(seed: seed) }

  /// Numbers that readers are apt to get wrong, of up to eight bytes.
  private static let numbers: [UInt64] = [
    0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF,
    1 << 32, 1 << 62, .max >> 1, .max,
  ]

  /// One to four changes of a sound file.
  mutating func apply(to sound: [UInt8]) -> [UInt8] {
    var bytes = sound
    for _ in 0..<Int.random(in: 1...4, using: &random) where !bytes.isEmpty { change(&bytes) }
    return bytes
  }

  private mutating func change(_ bytes: inout [UInt8]) {
    let place = Int.random(in: bytes.indices, using: &random)
    let count = min(bytes.count - place, Int.random(in: 1...16, using: &random))
    switch Int.random(in: 0..<6, using: &random) {
    case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
    case 1: bytes[place] = .random(in: 0...255, using: &random)
    case 2: overwrite(&bytes, at: place)
    case 3: bytes.removeSubrange(place..<place + count)
    case 4: bytes.insert(contentsOf: bytes[place..<place + count], at: place)
    default: bytes.removeSubrange(place...)
    }
  }

  /// Puts a number of 1, 2, 4 or 8 bytes there, in either order.
  private mutating func overwrite(_ bytes: inout [UInt8], at place: Int) {
    let number = Self.numbers.randomElement(using: &random) ?? 0
    let size = min(1 << Int.random(in: 0..<4, using: &random), bytes.count - place)
    var digits = (0..<size).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    if Bool.random(using: &random) { digits.reverse() }
    bytes.replaceSubrange(place..<place + size, with: digits)
  }
}
