import CaffeErrors
import CaffeSchema

extension NetParameter {
  /// Reads a net from a text file and brings it up to date, whichever version of Caffe it was
  /// written for.
  ///
  /// - Parameter report: told what was upgraded.
  /// - Throws: a missing or malformed file, with line and column.
  public static func read(
    _ path: String, report: (String) -> Void = { _ in }
  ) throws -> NetParameter {
    try NetParameter(contentsOfTextFile: path).upgraded(file: path, report: report)
  }

  /// The same net in today's form.
  ///
  /// - Parameter report: told what was upgraded.
  package func upgraded(file: String, report: (String) -> Void) throws -> NetParameter {
    let (net, notes) = try upgraded(file: file)
    notes.forEach(report)
    return net
  }
}

extension NetParameter {
  /// Where the net is, for error messages: `lenet.prototxt: net 'LeNet'`.
  package var place: String { (location.map { "\($0.file): " } ?? "") + "net '\(name)'" }
}
