import Caffe
import Logging

/// A command line as it is written for Caffe's programs (gflags), turned into ours.
struct CaffeCommandLine {
  /// Flags of Caffe's `caffe`, which all its commands accept, and those that each command here knows.
  private static let flags: Set = [
    "gpu", "solver", "model", "phase", "level", "stage", "snapshot", "weights", "iterations",
    "sigint-effect", "sighup-effect",
  ]
  private static let known: [String: Set<String>] = [
    "train": [
      "gpu", "solver", "level", "stage", "snapshot", "weights", "sigint-effect", "sighup-effect",
    ],
    "test": ["gpu", "model", "level", "stage", "weights", "iterations"],
    "time": ["gpu", "solver", "model", "phase", "level", "stage", "iterations"],
  ]
  /// What gflags lets users give a value; ours are on if given.
  private static let switches: Set = ["gray", "shuffle", "check-size", "encoded"]

  /// Values of glog's flags, by name.
  let glogFlags: [String: String]
  private let words: [Word]
  /// The place of the command, if only flags of Caffe's stand before it.
  private let command: Int?

  /// An argument: a flag with or without a value, or something else.
  private struct Word {
    var name: String?
    var value: String?
    var text: String

    /// One or two dashes before a flag and _ in it are the same as two and -.
    init(_ argument: String) {
      text = argument
      let letters = argument.drop { $0 == "-" }
      guard (1...2).contains(argument.count - letters.count), letters.first?.isLetter == true else {
        return
      }
      let end = letters.firstIndex(of: "=") ?? letters.endIndex
      // One letter after one dash is the way of other flags.
      guard letters.count > 1 || GlogFlags.takesValue(String(letters)) else { return }
      let name = String(letters[..<end].replacing("_", with: "-"))
      self.name = name
      value = end == letters.endIndex ? nil : String(letters[letters.index(after: end)...])
      text = "--" + name + letters[end...]
    }

    /// Whether the word after it may be its value.
    var lacksValue: Bool {
      guard let name, value == nil else { return false }
      return CaffeCommandLine.flags.contains(name) || GlogFlags.takesValue(name)
    }

    mutating func take(_ value: String) {
      self.value = value
      text += "=" + value
    }
  }

  init(_ arguments: some Sequence<String>) {
    var words: [Word] = []
    for argument in arguments {
      let isValue = !argument.hasPrefix("-") || Int(argument) != nil
      if isValue, words.last?.lacksValue == true {
        words[words.count - 1].take(argument)
      } else {
        words.append(Word(argument))
      }
    }
    var glog: [String: String] = [:]
    words.removeAll { word in
      guard let name = word.name, GlogFlags.names.contains(name) else { return false }
      glog[name] = word.value ?? "true"
      return true
    }
    glogFlags = glog
    let first = words.firstIndex { $0.name.map { !Self.flags.contains($0) } ?? true }
    command = first.flatMap { words[$0].name == nil ? $0 : nil }
    self.words = words
  }

  /// What the parser is to read: the command first, then flags as they are spelled here, without those that
  /// have an empty value, as if they were not set, or that the command has no use for.
  ///
  /// - Throws: a command of Caffe's that has no meaning here.
  func arguments() throws -> [String] {
    guard let command else { return words.compactMap(Self.switched) }
    let rest = (words[..<command] + words[(command + 1)...]).filter { !isUnused($0) }
    let name = words[command].text
    if name == "device_query" {
      throw CaffeError("device_query: caffe-swift computes on the CPU; there is no GPU to ask")
    }
    let start = name == "upgrade_net_proto_binary" ? ["upgrade-net", "--binary"] : [name]
    return start + rest.compactMap(Self.switched)
  }

  /// Says which flags the command has no use for: Caffe's accept all, so a script may give them.
  func reportUnused() {
    let names = words.filter { isUnused($0) && $0.value?.isEmpty == false }.compactMap(\.name)
    guard !names.isEmpty, let command else { return }
    let flags = names.map { "-" + $0.replacing("-", with: "_") }.joined(separator: ", ")
    Logger(label: "caffe").warning("\(words[command].text) does not use \(flags)")
  }

  private func isUnused(_ word: Word) -> Bool {
    guard let command, let known = Self.known[words[command].text], let name = word.name,
      Self.flags.contains(name), let value = word.value
    else { return false }
    return value.isEmpty || !known.contains(name)
  }

  /// `--gray=true` is `--gray`; `--gray=false` and `--nogray` are nothing.
  private static func switched(_ word: Word) -> String? {
    guard let name = word.name else { return word.text }
    if name.hasPrefix("no"), switches.contains(String(name.dropFirst(2))) { return nil }
    guard switches.contains(name), let value = word.value else { return word.text }
    return switch value.lowercased() {
    case "true", "t", "1", "yes", "y": "--" + name
    case "false", "f", "0", "no", "n": nil
    default: word.text
    }
  }
}
