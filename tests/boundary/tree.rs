//! In: the packages below `src/`, as texts. Out: [`Tree`], what the invariants are checked on: for each file its module, the
//! paths that its code names (`use`, expressions, types, macros), and its functions with their lengths.
//!
//! Not here: the invariants. A tree can be changed in memory, which is how they are tried on faults that were planted.

use proc_macro2::{TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

/// A package of the workspace.
#[derive(Clone, Debug)]
pub struct Package {
    /// Its folder below `src/`.
    pub folder: String,
    /// Its manifest.
    pub manifest: String,
    /// Path below the package's folder → text.
    pub files: BTreeMap<String, String>,
}

/// Every package.
#[derive(Clone, Debug)]
pub struct Tree(pub Vec<Package>);

impl Tree {
    /// Reads the folders below `src/`.
    pub fn read(src: &Path) -> Self {
        let mut packages = Vec::new();
        for entry in std::fs::read_dir(src).unwrap() {
            let path = entry.unwrap().path();
            let files = crate::harness::files(&path, ".rs").into_iter().map(|file| {
                let name = file.strip_prefix(&path).unwrap().to_string_lossy().into_owned();
                (name, std::fs::read_to_string(file).unwrap())
            });
            packages.push(Package {
                folder: path.file_name().unwrap().to_string_lossy().into_owned(),
                manifest: std::fs::read_to_string(path.join("Cargo.toml")).unwrap_or_default(),
                files: files.collect(),
            });
        }
        packages.sort_by(|a, b| a.folder.cmp(&b.folder));
        Self(packages)
    }

    /// The package of a folder.
    pub fn package(&self, folder: &str) -> &Package {
        self.0.iter().find(|package| package.folder == folder).unwrap_or_else(|| panic!("no src/{folder}"))
    }

    /// A text of the tree, to plant a fault in it.
    pub fn text(&mut self, folder: &str, file: &str) -> &mut String {
        let package = self.0.iter_mut().find(|package| package.folder == folder).unwrap();
        package.files.entry(file.to_owned()).or_default()
    }
}

/// What one file's code names and defines. Code under `#[cfg(test)]` is left out.
#[derive(Clone, Debug, Default)]
pub struct Code {
    /// Every path, as its words: `["crate", "policy", "Rule"]`. A `use` counts with all that it names, renames aside.
    pub paths: BTreeSet<Vec<String>>,
    /// What `pub use` makes visible here under another module: name → the path it stands for; `*` for all of a module.
    pub reexports: Vec<(String, Vec<String>)>,
    /// The child modules that are files.
    pub children: BTreeSet<String>,
    /// Functions and how many lines they span.
    pub functions: Vec<(String, usize)>,
    /// Macros called, by their last word.
    pub macros: BTreeSet<String>,
    /// Whether there is an `unsafe` block, function or implementation.
    pub is_unsafe: bool,
    /// The structs built by name: `CheckedPolicy { … }`.
    pub built: BTreeSet<String>,
}

impl Code {
    /// Reads a file. Each text is read once: the faults are planted in a few files of many.
    pub fn parse(name: &str, text: &str) -> Arc<Self> {
        static READ: Mutex<BTreeMap<String, Arc<Code>>> = Mutex::new(BTreeMap::new());
        if let Some(code) = READ.lock().unwrap().get(text) {
            return Arc::clone(code);
        }
        let code = Arc::new(Self::read(name, text));
        READ.lock().unwrap().insert(text.to_owned(), Arc::clone(&code));
        code
    }

    fn read(name: &str, text: &str) -> Self {
        let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{name}: {error}"));
        let mut code = Self::default();
        code.visit_file(&file);
        code
    }

    fn uses(&mut self, tree: &syn::UseTree, before: &[String], public: bool) {
        let with = |word: &syn::Ident| [before, &[word.to_string()]].concat();
        match tree {
            syn::UseTree::Path(path) => self.uses(&path.tree, &with(&path.ident), public),
            syn::UseTree::Group(group) => group.items.iter().for_each(|tree| self.uses(tree, before, public)),
            syn::UseTree::Name(name) if name.ident == "self" => self.name("", before.to_vec(), public),
            syn::UseTree::Name(name) => self.name(&name.ident.to_string(), with(&name.ident), public),
            syn::UseTree::Rename(name) => self.name(&name.rename.to_string(), with(&name.ident), public),
            syn::UseTree::Glob(_) => self.name("*", [before, &["*".to_owned()]].concat(), public),
        }
    }

    fn name(&mut self, name: &str, path: Vec<String>, public: bool) {
        // What is passed on is not yet used.
        if public {
            self.reexports.push((name.to_owned(), path));
        } else {
            self.paths.insert(path);
        }
    }

    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(word) if word == "unsafe" => self.is_unsafe = true,
                TokenTree::Ident(word) => {
                    if colons != 2 {
                        self.path(std::mem::take(&mut path));
                    }
                    path.push(word.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    self.path(std::mem::take(&mut path));
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.path(path);
    }

    fn path(&mut self, path: Vec<String>) {
        if path.len() > 1 {
            self.paths.insert(path);
        }
    }

    fn function(&mut self, name: &syn::Ident, start: proc_macro2::Span, block: &syn::Block) {
        if !is_table(block) {
            self.functions.push((name.to_string(), block.span().end().line + 1 - start.start().line));
        }
    }
}

/// Whether a body is nothing but a table: one `match` or macro, or a list, of entries that are a line or two each.
fn is_table(block: &syn::Block) -> bool {
    let lines = |span: proc_macro2::Span| span.end().line + 1 - span.start().line;
    match block.stmts.as_slice() {
        [.., syn::Stmt::Expr(syn::Expr::Match(table), _)] if block.stmts.len() <= 2 => {
            table.arms.iter().all(|arm| lines(arm.body.span()) <= 2)
        }
        [syn::Stmt::Expr(syn::Expr::Array(list), _)] => {
            list.elems.iter().all(|entry| lines(entry.span()) <= 2)
        }
        _ => false,
    }
}

/// Whether an item is built for tests only.
fn for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Ident>().is_ok_and(|condition| condition == "test")
    })
}

impl<'ast> Visit<'ast> for Code {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        if for_tests(&module.attrs) {
            return;
        }
        if module.content.is_none() {
            self.children.insert(module.ident.to_string());
        }
        visit::visit_item_mod(self, module);
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !for_tests(&item.attrs) {
            self.uses(&item.tree, &[], !matches!(item.vis, syn::Visibility::Inherited));
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.path(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, called: &'ast syn::Macro) {
        self.macros.extend(called.path.segments.last().map(|word| word.ident.to_string()));
        self.tokens(called.tokens.clone());
        visit::visit_macro(self, called);
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if for_tests(&item.attrs) {
            return;
        }
        self.is_unsafe |= item.sig.unsafety.is_some();
        self.function(&item.sig.ident, item.sig.span(), &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if for_tests(&item.attrs) {
            return;
        }
        self.is_unsafe |= item.sig.unsafety.is_some();
        self.function(&item.sig.ident, item.sig.span(), &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if !for_tests(&item.attrs) {
            self.is_unsafe |= item.unsafety.is_some();
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.is_unsafe = true;
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_expr_struct(&mut self, built: &'ast syn::ExprStruct) {
        self.built.extend(built.path.segments.last().map(|word| word.ident.to_string()));
        visit::visit_expr_struct(self, built);
    }
}

/// The files of one package and which of them needs which.
pub struct Graph {
    /// Module path (`""` for the root, `policy::rule`) → file.
    modules: BTreeMap<String, String>,
    /// File → code.
    pub code: BTreeMap<String, Arc<Code>>,
}

impl Graph {
    /// Reads a package. Its root module is `lib.rs` or `main.rs`.
    pub fn of(package: &Package) -> Self {
        let module = |file: &str| match file.trim_end_matches(".rs") {
            "lib" | "main" => String::new(),
            name => name.replace('/', "::"),
        };
        let modules = package.files.keys().map(|file| (module(file), file.clone())).collect();
        let code = package.files.iter().map(|(file, text)| (file.clone(), Code::parse(file, text))).collect();
        Self { modules, code }
    }

    fn module_of(&self, file: &str) -> Vec<String> {
        let (module, _) = self.modules.iter().find(|(_, name)| *name == file).unwrap();
        if module.is_empty() { Vec::new() } else { module.split("::").map(str::to_owned).collect() }
    }

    /// The file that a path named in `file` leads to, if it lies in the package.
    fn target(&self, file: &str, path: &[String], depth: usize) -> Option<String> {
        let mut at = self.module_of(file);
        let mut words = path.iter();
        let mut next = words.next()?;
        match next.as_str() {
            "crate" => at.clear(),
            "self" => {}
            "super" => {
                at.pop()?;
            }
            // A child module may be named without `self`.
            child if self.code[file].children.contains(child) => at.push(child.to_owned()),
            _ => return None,
        }
        let mut name = None;
        for word in words {
            next = word;
            if next == "super" {
                at.pop()?;
                continue;
            }
            let inner = [&at[..], std::slice::from_ref(next)].concat();
            if self.modules.contains_key(&inner.join("::")) {
                at = inner;
            } else {
                name = Some(next);
                break;
            }
        }
        let found = self.modules.get(&at.join("::"))?.clone();
        // A name that is only passed on leads to where it comes from.
        let Some(name) = name.filter(|_| depth < 8) else { return Some(found) };
        let passed = self.code[&found].reexports.iter().find(|(exported, _)| exported == name);
        match passed {
            Some((_, path)) => self.target(&found, path, depth + 1).or(Some(found)),
            None => Some(found),
        }
    }

    /// File → the files of the package that it needs, itself aside.
    pub fn edges(&self) -> BTreeMap<String, BTreeSet<String>> {
        let needs = |file: &String, code: &Code| -> BTreeSet<String> {
            let targets = code.paths.iter().filter_map(|path| self.target(file, path, 0));
            targets.filter(|target| target != file).collect()
        };
        self.code.iter().map(|(file, code)| (file.clone(), needs(file, code))).collect()
    }

    /// The sets of files that need each other in a circle, largest first.
    pub fn circles(&self) -> Vec<Vec<String>> {
        let edges = self.edges();
        let reached: BTreeMap<&String, BTreeSet<&String>> =
            edges.keys().map(|file| (file, reach(&edges, file))).collect();
        let mut circles: BTreeSet<Vec<String>> = BTreeSet::new();
        for (file, seen) in &reached {
            let together = seen.iter().filter(|other| reached[*other].contains(*file));
            circles.insert(together.map(|name| (*name).clone()).collect());
        }
        let mut circles: Vec<_> = circles.into_iter().filter(|circle| circle.len() > 1).collect();
        circles.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
        circles
    }
}

/// What a file needs, and what that needs, and so on.
fn reach<'e>(edges: &'e BTreeMap<String, BTreeSet<String>>, from: &str) -> BTreeSet<&'e String> {
    let mut seen = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        for next in &edges[file] {
            if seen.insert(next) {
                open.push(next);
            }
        }
    }
    seen
}
