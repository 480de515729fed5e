using System.Globalization;
using System.Text;

namespace Weft.Kernel.Nftables;

/// <summary>Runs the part of the nft language that the renderer writes against the fake's tables.</summary>
internal sealed class FakeNftParser
{
    private readonly Dictionary<string, FakeNftTable> _tables;
    private readonly List<(string Text, int Line)> _tokens = [];
    private int _at;

    internal FakeNftParser(string text, Dictionary<string, FakeNftTable> tables)
    {
        _tables = tables;
        Scan(text);
    }

    /// <exception cref="FakeNftException">The text is not understood, or refused; the message names the line.</exception>
    internal void Run()
    {
        try
        {
            while (SkipLines())
                Statement();
        }
        catch (FakeNftException e)
        {
            throw new FakeNftException($"line {_tokens[Math.Min(Math.Max(_at - 1, 0), _tokens.Count - 1)].Line}: {e.Message}");
        }
    }

    private void Scan(string text)
    {
        var line = 1;
        for (var i = 0; i < text.Length;)
        {
            var c = text[i];
            if (c == '\n')
                _tokens.Add(("\n", line++));
            if (char.IsWhiteSpace(c))
            {
                i++;
                continue;
            }
            var start = i;
            if (c == '"')
                i = text.IndexOf('"', i + 1) + 1;
            else if (c is '{' or '}' or ';' or ',')
                i++;
            else
            {
                while (i < text.Length && !char.IsWhiteSpace(text[i]) && text[i] is not ('{' or '}' or ';' or ','))
                    i++;
            }
            if (i <= start)
                throw new FakeNftException($"line {line}: a string does not end");
            _tokens.Add((text[start..i], line));
        }
        _tokens.Add(("\n", line));
    }

    private void Statement()
    {
        var verb = Next();
        if (verb == "table")
        {
            Expect("inet");
            Block(Next());
            return;
        }
        var what = Next();
        Expect("inet");
        var tableName = Next();
        if (what == "table")
        {
            if (verb == "add")
                _tables.TryAdd(tableName, new FakeNftTable());
            else if (verb != "delete" || !_tables.Remove(tableName))
                throw new FakeNftException($"No such file or directory: table {tableName}");
            return;
        }
        var table = _tables.GetValueOrDefault(tableName) ?? throw new FakeNftException($"No such file or directory: table {tableName}");
        var name = Next();
        switch (verb, what)
        {
            case ("add", "set" or "map"):
                Expect("{");
                table.AddSet(name, SetBody(what == "map", out _));
                break;
            case ("add", "chain"):
                table.AddChain(name, Peek() == "{" ? Hook() : null);
                break;
            case ("add", "rule"):
                table.AddRule(name, Rule());
                break;
            case ("add", "element"):
                foreach (var (key, data) in Elements())
                    table.AddElement(name, key, data);
                break;
            case ("delete", "element"):
                foreach (var (key, _) in Elements())
                    table.DeleteElement(name, key);
                break;
            case ("flush", "chain"):
                table.Chain(name).Rules.Clear();
                break;
            case ("delete", "set" or "map"):
                table.DeleteSet(name);
                break;
            case ("delete", "chain"):
                table.DeleteChain(name);
                break;
            default:
                throw new FakeNftException($"syntax error: {verb} {what}");
        }
    }

    // As nft_cmd_expand does it: chains first, then sets with their elements, then rules.
    private void Block(string name)
    {
        _tables.TryAdd(name, new FakeNftTable());
        var table = _tables[name];
        var elements = new List<(string Set, List<(string Key, string Data)> Elements)>();
        var rules = new List<(string Chain, FakeNftRule Rule, int At)>();
        Expect("{");
        while (SkipLines() && Peek() != "}")
        {
            var what = Next();
            var item = Next();
            Expect("{");
            if (what is "set" or "map")
            {
                table.AddSet(item, SetBody(what == "map", out var list));
                elements.Add((item, list));
            }
            else if (what == "chain")
                ChainBody(table, item, rules);
            else
                throw new FakeNftException($"syntax error: {what}");
        }
        Expect("}");
        foreach (var (set, list) in elements)
        {
            foreach (var (key, data) in list)
                table.AddElement(set, key, data);
        }
        var end = _at;
        foreach (var (chain, rule, at) in rules)
        {
            _at = at;
            table.AddRule(chain, rule);
        }
        _at = end;
    }

    private void ChainBody(FakeNftTable table, string name, List<(string, FakeNftRule, int)> rules)
    {
        SkipLines();
        table.AddChain(name, Peek() == "type" ? HookBody() : null);
        while (SkipLines() && Peek() != "}")
        {
            var rule = Rule();
            rules.Add((name, rule, _at));
        }
        Expect("}");
    }

    private FakeNftRule Rule()
    {
        var body = Words("comment", "\n");
        if (body.Length == 0)
            throw new FakeNftException("syntax error: a rule without expressions");
        string? comment = null;
        if (Peek() == "comment")
        {
            Next();
            comment = Quoted(Next());
            if (Encoding.UTF8.GetByteCount(comment) > 127)
                throw new FakeNftException($"comment is longer than 127 bytes: {comment}");
        }
        return new FakeNftRule(body, comment);
    }

    private FakeNftSet SetBody(bool isMap, out List<(string Key, string Data)> elements)
    {
        elements = [];
        string[] key = [], data = [];
        var flags = new List<string>();
        string? comment = null, timeout = null, size = null, port = null;
        while (SkipLines() && Peek() != "}")
        {
            switch (Next())
            {
                case "type":
                    (key, data) = Types(Words(";", "\n", "}"), word => word);
                    break;
                case "typeof":
                    var expressions = Words(";", "\n", "}");
                    port = expressions.Split(" : ")[^1].Split(" . ")[^1].Split(" dport")[0];
                    (key, data) = Types(expressions, word => word == "verdict" ? word : FakeNftValues.TypeOf(word));
                    break;
                case "flags":
                    flags.AddRange(Words(";", "\n", "}").Split(',', ' ').Where(flag => flag.Length > 0));
                    break;
                case "timeout":
                    timeout = Next();
                    break;
                case "size":
                    size = Next();
                    break;
                case "comment":
                    comment = Quoted(Next());
                    break;
                case "elements":
                    Expect("=");
                    elements = Elements();
                    break;
                default:
                    throw new FakeNftException($"syntax error: {_tokens[_at - 1].Text} in a set");
            }
        }
        Expect("}");
        if (key.Length == 0 || isMap != (data.Length > 0))
            throw new FakeNftException("syntax error: the type does not fit");
        var definition = $"{string.Join(".", key)}:{string.Join(".", data)} {string.Join(',', flags)} {timeout} {size}";
        return new FakeNftSet(isMap, key, data, flags.Contains("interval"), flags.Contains("dynamic"), comment, definition) { PortProtocol = port };
    }

    private static (string[] Key, string[] Data) Types(string text, Func<string, string> name)
    {
        var sides = text.Split(" : ");
        return ([.. sides[0].Split(" . ").Select(name)], sides.Length > 1 ? [.. sides[1].Split(" . ").Select(name)] : []);
    }

    private List<(string Key, string Data)> Elements()
    {
        var elements = new List<(string, string)>();
        Expect("{");
        while (SkipLines() && Peek() != "}")
        {
            var sides = Words(",", "}", "\n").Split(" : ");
            elements.Add((sides[0], sides.Length > 1 ? sides[1] : ""));
            SkipLines();
            if (Peek() != ",")
                break;
            Next();
        }
        Expect("}");
        return elements.Count > 0 ? elements : throw new FakeNftException("syntax error: no elements");
    }

    private FakeNftHook Hook()
    {
        Expect("{");
        var hook = HookBody();
        Expect("}");
        return hook;
    }

    private FakeNftHook HookBody()
    {
        Expect("type");
        var type = Next();
        Expect("hook");
        var point = Next();
        Expect("priority");
        var priority = int.Parse(Next(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        Expect(";");
        Expect("policy");
        var policy = Next();
        Expect(";");
        return new FakeNftHook(type, point, priority, policy);
    }

    private string Words(params ReadOnlySpan<string> ends)
    {
        var words = new StringBuilder();
        while (!ends.Contains(Peek()))
            words.Append(words.Length > 0 && Peek() != "," && words[^1] != ',' ? " " : "").Append(Next());
        return words.ToString();
    }

    private static string Quoted(string token) =>
        token is ['"', .. var inner, '"'] ? inner : throw new FakeNftException($"syntax error: {token} is not a string");

    private bool SkipLines()
    {
        while (_at < _tokens.Count && _tokens[_at].Text is ("\n" or ";"))
            _at++;
        return _at < _tokens.Count;
    }

    private string Peek() => _at < _tokens.Count ? _tokens[_at].Text : throw new FakeNftException("syntax error: unexpected end");

    private string Next()
    {
        var token = Peek();
        _at++;
        return token;
    }

    private void Expect(string word)
    {
        if (Next() is var found && found != word)
            throw new FakeNftException($"syntax error: '{found}' instead of '{word}'");
    }
}
